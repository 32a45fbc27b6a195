package sessiontest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/teamcodestream/codestream-agent/agent/internal/freeport"
	"github.com/teamcodestream/codestream-agent/protocol/script"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// A setupAction is what a line of the setup does.
type setupAction func(ctx context.Context, s *session) error

// setUp runs a line of the setup.
func (s *session) setUp(ctx context.Context, text string) error {
	text, err := s.vars.expand(text, false)
	if err != nil {
		return err
	}
	act, err := parseSetup(text)
	if err != nil {
		return err
	}
	return act(ctx, s)
}

func parseSetup(text string) (setupAction, error) {
	words := script.NewWords(text)
	var act setupAction
	switch command := words.Word("the command"); command {
	case "gitlab":
		act = parseGitLab(words)
	case "registry":
		name := words.Optional()
		act = func(_ context.Context, s *session) error { return s.startRegistry(cmp.Or(name, "registry")) }
	case "website":
		act = parseWebsite(words)
	case "proxy":
		act = parseProxy(words)
	case "closed":
		act = named(words, "http://127.0.0.1:", (*world).closedPort)
	case "busy-port":
		act = named(words, "", (*world).busyPort)
	case "free-port":
		act = named(words, "", func(*world) (string, error) { return freeport.Find() })
	case "configured":
		name, extra := "", ""
		if !words.IsJSON() {
			name = words.Optional()
		}
		extra = words.JSON()
		act = func(ctx context.Context, s *session) error { return s.configured(ctx, name, extra) }
	case "signed-in":
		user, name := words.Word("the user"), ""
		if !words.IsNext("by-token") {
			name = words.Optional()
		}
		byToken := words.Next("by-token")
		act = func(ctx context.Context, s *session) error { return s.signedIn(ctx, user, name, byToken) }
	case "editor":
		act = parseEditor(words)
	case "no-initialize":
		act = func(_ context.Context, s *session) error { s.noInitialize = true; return nil }
	case "windows":
		n := words.Number("the number of windows")
		if n < 1 || n > 9 {
			words.Fail("there can be 1 to 9 windows")
		}
		apart := words.Next("apart")
		act = func(_ context.Context, s *session) error {
			s.windows, s.apart = make([]*window, n), apart
			return nil
		}
	case "window":
		number := words.Number("the window")
		words.Expect("options")
		options := words.JSON()
		act = func(_ context.Context, s *session) error {
			var own map[string]json.RawMessage
			err := json.Unmarshal([]byte(options), &own)
			s.ownOptions[number] = own
			return err
		}
	case "violations":
		words.Expect("expected")
		act = func(_ context.Context, s *session) error { s.violationsExpected = true; return nil }
	default:
		words.Fail("the setup has no command %q", command)
	}
	return act, words.End()
}

// named starts something whose address becomes the value of a variable.
func named(words *script.Words, prefix string, start func(*world) (string, error)) setupAction {
	name := words.Word("the name")
	return func(_ context.Context, s *session) error {
		address, err := start(&s.world)
		s.vars[name] = prefix + address
		return err
	}
}

func parseEditor(words *script.Words) setupAction {
	var p profile
	browser, options, workspace := "", "", false
	for words.More() {
		switch word := words.Word("the option"); word {
		case "no-progress":
			p.noProgress = true
		case "no-showDocument":
			p.noShowDocument = true
		case "workspace":
			workspace = true
		case "browser":
			browser = words.Word("who opens the browser")
		case "options":
			options = words.JSON()
		default:
			words.Fail("an editor has no option %q", word)
		}
	}
	return func(_ context.Context, s *session) error {
		if options != "" {
			if err := json.Unmarshal([]byte(options), &p.options); err != nil {
				return err
			}
		}
		if browser != "" {
			if p.options == nil {
				p.options = map[string]json.RawMessage{}
			}
			p.options["browser"] = json.RawMessage(script.Quote(browser))
		}
		s.profile = p
		s.usesWorkspace = s.usesWorkspace || workspace
		return nil
	}
}

// defaultRedirect is what an application is registered with unless the script
// says otherwise: the agent's own default.
const defaultRedirect = "http://127.0.0.1/no-auth/provider-token/gitlab_enterprise"

func parseGitLab(words *script.Words) setupAction {
	g := &gitlab{name: "gitlab"}
	var options providertest.Options
	app := providertest.Application{Name: "CodeStream", Confidential: true}
	var users []string
	for first := true; words.More(); first = false {
		switch word := words.Word("the option"); word {
		case "user":
			users = append(users, words.Word("the user"))
		case "root":
			options.Root = words.Word("the root")
		case "version":
			options.Version = words.Word("the version")
		case "token-lifetime":
			if options.TokenLifetime = -1; !words.Next("never") {
				options.TokenLifetime = words.Duration("the lifetime")
			}
		case "tls":
			options.TLS = true
		case "ipv6":
			options.Addr = "[::1]:0"
		case "scopes":
			g.scopes = strings.Split(words.Word("the scopes"), ",")
		case "public":
			app.Confidential = false
		case "trusted":
			app.Trusted = true
		case "redirect":
			app.RedirectURIs = append(app.RedirectURIs, words.Word("the redirect URI"))
		case "redirect-errors":
			options.RedirectErrors = true
		case "device-interval":
			options.DeviceInterval = words.Duration("the interval")
		case "device-lifetime":
			options.DeviceLifetime = words.Duration("the lifetime")
		default:
			if !first {
				words.Fail("a gitlab has no option %q", word)
			}
			g.name = word
		}
	}
	if users == nil {
		users = []string{"sam"}
	}
	if app.Scopes = g.scopes; app.Scopes == nil {
		app.Scopes = []string{"api"}
	}
	return func(_ context.Context, s *session) error { return s.startGitLab(g, options, app, users) }
}

func (s *session) startGitLab(g *gitlab, options providertest.Options, app providertest.Application, users []string) (err error) {
	if g.GitLab, err = providertest.StartGitLab(options); err != nil {
		if options.Addr != "" && withoutIPv6() {
			return errNoIPv6
		}
		return err
	}
	s.world.closers = append(s.world.closers, g.Close)
	s.world.gitlabs = append(s.world.gitlabs, g)
	for _, user := range users {
		g.user(user)
	}
	registered := app
	if registered.RedirectURIs == nil {
		registered.RedirectURIs = []string{defaultRedirect}
	}
	registered = g.AddApplication(registered)
	g.app = registered
	g.app.RedirectURIs = app.RedirectURIs // what has to be said at configure
	base := g.URL()
	for name, value := range map[string]string{
		"":              base,
		".host":         strings.SplitN(base, "/", 4)[2],
		".user":         users[0],
		".clientId":     registered.ID,
		".clientSecret": registered.Secret,
		".redirect":     registered.RedirectURIs[0],
	} {
		s.vars[g.name+name] = value
	}
	for i, scope := range []string{"api", "read_api", "read_user", "read_repository"} {
		s.vars[g.name+".pat."+scope] = g.AddPersonalAccessToken(users[0], scope)
		if i == 0 {
			s.vars[g.name+".pat"] = s.vars[g.name+".pat."+scope]
		}
	}
	if pem := g.CertificatePEM(); pem != nil {
		g.caFile = filepath.Join(s.root, g.name+".pem")
		s.vars[g.name+".caFile"] = g.caFile
		return os.WriteFile(g.caFile, pem, 0o600)
	}
	return nil
}

// errNoIPv6 skips a script that nobody can play here.
var errNoIPv6 = errors.New("this machine has no IPv6 loopback address")

func withoutIPv6() bool {
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return true
	}
	probe.Close()
	return false
}
