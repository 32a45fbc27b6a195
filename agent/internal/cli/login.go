package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// loginFlags are the flags of login.
type loginFlags struct {
	method     string
	tokenStdin bool
	timeout    time.Duration

	configure    protocol.ConfigureParams
	secretStdin  bool
	caFile       string
	skipVerify   bool
	configureSet bool // one of these was given
}

func (t *terminal) login() *cobra.Command {
	var f loginFlags
	cmd := &cobra.Command{
		Use:   "login [URL] [flags]",
		Short: "Sign in to GitLab",
		Long: "Sign in to GitLab in the browser, or by another method.\n\n" +
			"An instance that is not known yet is configured on the way: give its URL, and the\n" +
			"application ID and secret that your administrator has registered.\n\n" +
			"Where no browser is on this machine, open the address that is printed in any\n" +
			"browser, and paste the address at which it stops into this terminal. Or use\n" +
			"--method device, where your GitLab has it (17.2 and newer).",
		Example: "  codestream-agent login https://gitlab.example.com --client-id 4f2c… --client-secret-stdin < secret\n" +
			"  codestream-agent login\n" +
			"  codestream-agent login https://gitlab.example.com --method token < token\n" +
			"  codestream-agent login --method device",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: t.completeInstance,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range []string{"client-id", "client-secret-stdin", "redirect-uri", "scopes", "name", "ssh-hosts", "allow-http", "ca-file"} {
				f.configureSet = f.configureSet || cmd.Flags().Changed(name)
			}
			return t.signIn(cmd.Context(), optional(args), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.method, "method", "browser", "how to sign in: browser, device or token")
	flags.BoolVar(&f.tokenStdin, "token-stdin", false, "read a personal access token from stdin (the same as --method token)")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Minute, "how long to wait for you")
	flags.StringVar(&f.configure.ClientID, "client-id", "", "configure: the application `ID`")
	flags.BoolVar(&f.secretStdin, "client-secret-stdin", false, "configure: read the application's secret from stdin")
	flags.StringVar(&f.configure.RedirectURI, "redirect-uri", "", "configure: the redirect `URI` that is registered, where it is not the usual one")
	flags.StringSliceVar(&f.configure.Scopes, "scopes", nil, "configure: the scopes to ask for")
	flags.StringVar(&f.configure.Name, "name", "", "configure: what the instance is called")
	flags.StringSliceVar(&f.configure.SSHHosts, "ssh-hosts", nil, "configure: further hosts of git remotes")
	flags.BoolVar(&f.configure.AllowHTTP, "allow-http", false, "configure: consent to plain http")
	flags.StringVar(&f.caFile, "ca-file", "", "configure: a PEM `file` of certificates to trust as well")
	flags.BoolVar(&f.skipVerify, "no-verify", false, "configure: save without asking GitLab first")
	_ = cmd.RegisterFlagCompletionFunc("method", cobra.FixedCompletions([]string{"browser", "device", "token"}, cobra.ShellCompDirectiveNoFileComp))
	t.jsonFlag(cmd)
	return cmd
}

func (t *terminal) signIn(ctx context.Context, url string, f loginFlags) error {
	p := protocol.AuthenticateParams{Instance: url, Method: protocol.AuthMethod(f.method), TimeoutSeconds: int(f.timeout.Seconds())}
	if f.tokenStdin {
		p.Method = protocol.MethodToken
	}
	if f.configureSet && url == "" {
		return usagef("the flags that configure an instance need its URL")
	}
	if f.secretStdin && p.Method == protocol.MethodToken {
		return usagef("--client-secret-stdin and a personal access token would both be read from stdin: configure first, and sign in then")
	}
	prompt := newPrompt(t)
	begun := make(chan struct{}) // closed when the sign-in has begun
	var once sync.Once
	c, err := t.connect(ctx, func(method string, params json.RawMessage) {
		if method == protocol.DidStartAuthentication.Method() {
			t.showSignIn(params)
			once.Do(func() { close(begun) })
		}
	}, prompt.choose)
	if err != nil {
		return err
	}
	defer c.close()
	if err := t.configure(ctx, c, url, f, p.Method, prompt); err != nil {
		return err
	}
	if p.Method == protocol.MethodToken {
		if p.Token, err = prompt.secret("Personal access token: "); err != nil {
			return err
		}
	} else {
		go func() {
			select {
			case <-begun: // what is typed before answers questions
				prompt.callbacks(ctx, c)
			case <-c.ended:
			}
		}()
	}
	result, err := call(ctx, c, protocol.Authenticate, p)
	if err != nil {
		return err
	}
	for _, warning := range result.Warnings {
		t.say("%s", warning)
	}
	if t.json {
		return t.printJSON(result)
	}
	_, err = fmt.Fprintf(t.Stdout, "Signed in to %s as %s.\n", result.Account.Instance, result.Account.User.Username)
	return err
}

// configure makes the instance known, where flags describe it, or where nothing but
// its URL is needed.
func (t *terminal) configure(ctx context.Context, c *client, url string, f loginFlags, method protocol.AuthMethod, prompt *prompt) error {
	p := f.configure
	p.URL = url
	if !f.configureSet {
		if url == "" || method != protocol.MethodToken {
			return nil
		}
		if _, err := call(ctx, c, protocol.Status, protocol.StatusParams{Instance: url}); !errors.Is(err, protocol.NotConfigured) {
			return err
		}
	}
	if f.secretStdin {
		var err error
		if p.ClientSecret, err = prompt.secret("Secret of the application: "); err != nil {
			return err
		}
	}
	if f.caFile != "" {
		p.Network = &protocol.Network{CAFile: f.caFile}
	}
	if f.skipVerify {
		p.Verify = new(bool)
	}
	result, err := call(ctx, c, protocol.Configure, p)
	for _, warning := range result.Warnings {
		t.say("%s", warning)
	}
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

// prompt reads what the person types, or what is on stdin.
type prompt struct {
	terminal *terminal
	lines    *bufio.Reader

	mu      sync.Mutex // held while the person is asked; guards answers
	answers map[string]*protocol.MessageActionItem
}

func newPrompt(t *terminal) *prompt {
	return &prompt{terminal: t, lines: bufio.NewReader(t.Stdin), answers: map[string]*protocol.MessageActionItem{}}
}

// choose asks a question whose first answer is yes; the same one only once. Where
// nobody sits at a terminal, nothing is chosen.
func (p *prompt) choose(question protocol.ShowMessageRequestParams) *protocol.MessageActionItem {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !isTerminal(p.terminal.Stdin) || len(question.Actions) == 0 {
		return nil
	}
	if answer, asked := p.answers[question.Message]; asked {
		return answer
	}
	fmt.Fprintf(p.terminal.Stderr, "%s [y/N] ", question.Message)
	line, _ := p.lines.ReadString('\n') // no line is no
	var answer *protocol.MessageActionItem
	if said := strings.ToLower(strings.TrimSpace(line)); said == "y" || said == "yes" {
		answer = &question.Actions[0]
	}
	p.answers[question.Message] = answer
	return answer
}

// maxSecret bounds a secret on stdin in bytes.
const maxSecret = 64 << 10

// secret reads a secret: all of stdin, or at a terminal a line that is not shown.
func (p *prompt) secret(question string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if file, ok := p.terminal.Stdin.(*os.File); ok && isTerminal(file) {
		fmt.Fprint(p.terminal.Stderr, question)
		line, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(p.terminal.Stderr)
		return strings.TrimSpace(string(line)), err
	}
	text, err := io.ReadAll(io.LimitReader(p.lines, maxSecret))
	secret := strings.TrimSpace(string(text))
	if err == nil && secret == "" {
		err = usagef("there is nothing on stdin, where a secret is read from")
	}
	return secret, err
}

// callbacks hands over each address that the person pastes, until stdin ends. A
// goroutine that waits for a terminal ends with the process.
func (p *prompt) callbacks(ctx context.Context, c *client) {
	for {
		line, err := p.lines.ReadString('\n')
		if pasted := strings.TrimSpace(line); pasted != "" {
			_, failed := call(ctx, c, protocol.CompleteAuthentication, protocol.CompleteAuthenticationParams{CallbackURL: pasted})
			if failed != nil {
				p.terminal.report(failed)
			}
		}
		if err != nil {
			return
		}
	}
}
