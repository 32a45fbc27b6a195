package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// loginFlags are the flags of login.
type loginFlags struct {
	method     string
	tokenStdin bool
	timeout    time.Duration
	instanceFlags
}

func (t *terminal) login() *cobra.Command {
	var f loginFlags
	cmd := &cobra.Command{
		Use:   "login [URL] [flags]",
		Short: "Sign in to GitLab",
		Long: "Sign in to GitLab in the browser, or by another method.\n\n" +
			"An instance that is not known yet is configured on the way: give its URL, and the\n" +
			"application ID and secret that your administrator has registered. The same flags\n" +
			"change one that is known; what they do not name stays as it is.\n\n" +
			"Where no browser is on this machine, open the address that is printed in any\n" +
			"browser, and paste the address at which it stops into this terminal. Or use\n" +
			"--method device, where your GitLab has it (17.2 and newer).\n\n" +
			"Secrets are asked for, or read from stdin, each in a line of its own: the\n" +
			"application's first, then the proxy's password, then the personal access token.",
		Example: "  codestream-agent login https://gitlab.example.com --client-id 4f2c… --client-secret-stdin < secret\n" +
			"  codestream-agent login\n" +
			"  codestream-agent login https://gitlab.example.com --ca-file authority.pem\n" +
			"  codestream-agent login https://gitlab.example.com --method token < token\n" +
			"  codestream-agent login --method device",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: t.completeInstance,
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.signIn(cmd.Context(), optional(args), &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.method, "method", "browser", "how to sign in: browser, device or token")
	flags.BoolVar(&f.tokenStdin, "token-stdin", false, "read a personal access token from stdin (the same as --method token)")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Minute, "how long to wait for you")
	f.add(flags)
	_ = cmd.RegisterFlagCompletionFunc("method", cobra.FixedCompletions([]string{"browser", "device", "token"}, cobra.ShellCompDirectiveNoFileComp))
	t.jsonFlag(cmd)
	return cmd
}

// params returns what is asked of the agent, but for the token.
func (f *loginFlags) params(url string) (protocol.AuthenticateParams, error) {
	timeout, err := seconds("timeout", f.timeout, time.Second, agent.MaxSignInTimeout)
	p := protocol.AuthenticateParams{Instance: url, Method: protocol.AuthMethod(f.method), TimeoutSeconds: timeout}
	if f.tokenStdin {
		p.Method = protocol.MethodToken
	}
	return p, err
}

func (t *terminal) signIn(ctx context.Context, url string, f *loginFlags) error {
	ctx, done := context.WithCancel(ctx)
	defer done()
	p, err := f.params(url)
	if err == nil {
		err = f.check(url)
	}
	if err != nil {
		return err
	}
	prompt := newPrompt(ctx, t)
	begun := sync.OnceFunc(func() { close(prompt.begun) })
	c, err := t.connect(ctx, func(method string, params json.RawMessage) {
		if method == protocol.DidStartAuthentication.Method() {
			t.showSignIn(params)
			begun()
		}
	}, prompt.choose)
	if err != nil {
		return err
	}
	defer c.close()
	if err := t.configure(ctx, c, url, f, p.Method); err != nil {
		return err
	}
	if p.Method == protocol.MethodToken {
		if p.Token, err = t.secret("Personal access token: "); err != nil {
			return err
		}
	}
	go prompt.serve(func(address string) {
		if _, err := call(ctx, c, protocol.CompleteAuthentication, protocol.CompleteAuthenticationParams{CallbackURL: address}); err != nil {
			t.report(err)
		}
	})
	result, err := call(ctx, c, protocol.Authenticate, p)
	if err != nil {
		return err
	}
	t.warn(result.Warnings)
	if t.json {
		return t.printJSON(result)
	}
	_, err = fmt.Fprintf(t.Stdout, "Signed in to %s as %s.\n", result.Account.Instance, result.Account.User.Username)
	return err
}

// showSignIn tells the person where to go.
func (t *terminal) showSignIn(params json.RawMessage) {
	var p protocol.DidStartAuthenticationParams
	if json.Unmarshal(params, &p) != nil {
		return
	}
	if p.Method == protocol.MethodDevice {
		t.say("Open this address on any device:\n\n  %s\n\nand enter the code  %s", p.VerificationURI, p.UserCode)
		return
	}
	t.say("Approve in the browser. If none has opened, open this address:\n\n  %s\n\nIf the browser is on another machine, paste the address at which it stops here.", p.AuthorizeURL)
}
