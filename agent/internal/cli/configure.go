package cli

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// instanceFlags are the flags of login that configure an instance.
type instanceFlags struct {
	params             protocol.ConfigureParams
	network            protocol.Network
	secretStdin        bool
	proxyPasswordStdin bool
	skipVerify         bool

	describing *pflag.FlagSet // those that say what the instance is
}

func (f *instanceFlags) add(flags *pflag.FlagSet) {
	f.describing = pflag.NewFlagSet("", pflag.ContinueOnError)
	d := f.describing
	d.StringVar(&f.params.ClientID, "client-id", "", "configure: the application `ID`")
	d.BoolVar(&f.secretStdin, "client-secret-stdin", false, "configure: read the application's secret from stdin")
	d.StringVar(&f.params.RedirectURI, "redirect-uri", "", "configure: the redirect `URI` that is registered, where it is not the usual one")
	d.StringSliceVar(&f.params.Scopes, "scopes", nil, "configure: the scopes to ask for")
	d.StringVar(&f.params.Name, "name", "", "configure: what the instance is called")
	d.StringSliceVar(&f.params.SSHHosts, "ssh-hosts", nil, "configure: further hosts of git remotes")
	d.BoolVar(&f.params.AllowHTTP, "allow-http", false, "configure: consent to plain http")
	d.StringVar(&f.network.CAFile, "ca-file", "", "configure: a PEM `file` of certificates to trust as well")
	d.StringVar(&f.network.ClientCertFile, "client-cert", "", "configure: a PEM `file` with your client certificate, where the server wants one")
	d.StringVar(&f.network.ClientKeyFile, "client-key", "", "configure: a PEM `file` with its key")
	d.StringVar(&f.network.Proxy, "proxy", "", "configure: the `URL` of the proxy, without a password")
	d.BoolVar(&f.proxyPasswordStdin, "proxy-password-stdin", false, "configure: read the password of the user in --proxy from stdin")
	d.StringVar(&f.network.NoProxy, "no-proxy", "", "configure: `hosts` that are reached without the proxy; '*' for all")
	flags.AddFlagSet(d)
	flags.BoolVar(&f.skipVerify, "no-verify", false, "configure: save without asking GitLab first")
}

// given reports whether flags say what the instance is.
func (f *instanceFlags) given() (given bool) {
	f.describing.VisitAll(func(flag *pflag.Flag) { given = given || flag.Changed })
	return given
}

// check refuses flags that make no sense together.
func (f *instanceFlags) check(address string) (err error) {
	f.describing.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed && flag.Value.String() == "" { // of a variable that is not set, most likely
			err = usagef("--%s is empty", flag.Name)
		}
	})
	switch {
	case err != nil:
		return err
	case f.given() && address == "":
		return usagef("the flags that configure an instance need its URL")
	case (f.network.ClientCertFile == "") != (f.network.ClientKeyFile == ""):
		return usagef("--client-cert and --client-key go together")
	}
	return f.checkProxy()
}

// checkProxy keeps a password out of the command line. Whether the proxy is one is
// for the agent to say.
func (f *instanceFlags) checkProxy() error {
	proxy, err := url.Parse(f.network.Proxy)
	if err != nil {
		return usagef("--proxy is not a URL") // which can have a password in it
	}
	_, hasPassword := proxy.User.Password()
	switch {
	case hasPassword:
		return usagef("every program on this machine can see the password in --proxy: leave it out, and use --proxy-password-stdin")
	case f.proxyPasswordStdin && proxy.User.Username() == "":
		return usagef("--proxy-password-stdin goes with a user in --proxy, such as http://user@proxy.example.com:3128")
	}
	return nil
}

// configure makes the instance known, where flags describe it, or where nothing but
// its URL is needed. What is known of it stays where no flag says otherwise.
func (t *terminal) configure(ctx context.Context, c *client, address string, f *loginFlags, method protocol.AuthMethod) error {
	if !f.given() {
		if address == "" || method != protocol.MethodToken {
			return nil
		}
		if _, err := call(ctx, c, protocol.Status, protocol.StatusParams{Instance: address}); !errors.Is(err, protocol.NotConfigured) {
			return err
		}
	}
	p, err := f.complete(t)
	if err != nil {
		return err
	}
	p.URL, p.Keep = address, true
	result, err := call(ctx, c, protocol.Configure, p)
	t.warn(result.Warnings)
	return err
}

// complete returns what the flags say, with the secrets that they want to be read.
func (f *instanceFlags) complete(t *terminal) (p protocol.ConfigureParams, err error) {
	p = f.params
	if f.skipVerify {
		p.Verify = new(bool)
	}
	if f.secretStdin {
		if p.ClientSecret, err = t.secret("Secret of the application: "); err != nil {
			return p, err
		}
	}
	network := f.network
	if f.proxyPasswordStdin {
		password, err := t.secret("Password for the proxy: ")
		if err != nil {
			return p, err
		}
		proxy, _ := url.Parse(network.Proxy) // as checkProxy did
		proxy.User = url.UserPassword(proxy.User.Username(), password)
		network.Proxy = proxy.String()
	}
	for _, file := range []*string{&network.CAFile, &network.ClientCertFile, &network.ClientKeyFile} {
		if *file != "" { // it is read from wherever the next command is run
			if *file, err = filepath.Abs(*file); err != nil {
				return p, err
			}
		}
	}
	if network != (protocol.Network{}) {
		p.Network = &network
	}
	return p, nil
}
