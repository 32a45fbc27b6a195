package cli_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// patience bounds what has to happen.
const patience = 30 * time.Second

// TestMain makes this program the browser of the scripts, too: $BROWSER is run with
// the address to open.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"approving-browser": approve, "pasting-person": paste})
}

// browser is that of sam, who signs in if asked and presses Authorize.
func browser() *providertest.Browser {
	return providertest.NewBrowser("sam", os.Getenv("SAM_PASSWORD"), nil)
}

func approve() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := browser().Approve(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "approving-browser:", err)
		os.Exit(1)
	}
}

// paste is a person whose browser is on another machine: it runs the command of its
// arguments, opens the address that it prints, and pastes the one at which the
// browser stops.
func paste() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := runPasting(ctx, os.Args[1], os.Args[2:]...); err != nil {
		fmt.Fprintln(os.Stderr, "pasting-person:", err)
		os.Exit(1)
	}
}

// TestTerminal plays the scripts of testdata/terminal with the real program. Besides
// testscript's own commands they have:
//
//	gitlab [public] [root PATH] [version V]
//	                                 starts a GitLab, where sam and alex have accounts: its
//	                                 URL is in $GITLAB, its host in $HOST, the application's
//	                                 ID in $CLIENT_ID; the files secret, token, read-token and
//	                                 alex-token have the application's secret, two of sam's
//	                                 tokens and one of alex's
//	expire [there]                   time passes: sam's tokens have ended, here and at GitLab,
//	                                 or only there
//	revoke [FILE]                    sam revokes the application's tokens at GitLab, or the
//	                                 personal access token in a file
//	answers ENDPOINT FILE            from now on GitLab answers there what is in a file; the
//	                                 names of endpoints are those of package providertest
//	renames NAME                     the user name of the account is another in the store;
//	                                 NAME is quoted as in Go
//	repository PATH                  a private project with one commit; $CLONE is its URL
//	counts METHOD PATH N             so many such requests have come
//	secrets FILE…                    no secret of the GitLab is in a file
//	relays N [FLAG…]                 starts so many relays, whose logs are relay-N.log
//	healthy N                        the Nth says that it is
//	relayed N QUERY                  the Nth sends a callback on to this machine
//	stop-relays                      ends them as systemd does
//	gate                             a server before the GitLab that wants a client certificate:
//	                                 $GATE; cert.pem and key.pem are good for both sides
//	proxy                            a proxy that finds every host at the GitLab, and wants
//	                                 sam's password: $PROXY; the file proxy-password has it
//	sits ARGUMENT…                   a person runs the program at a terminal. There they
//	sees TEXT                        wait until it shows a text; "! sees": it has not
//	types LINE                       type a line, or what is in @FILE
//	presses-ctrl-c                   interrupt
//	pastes                           approve in a browser on another machine, and paste the
//	                                 address at which that stops
//	terminates                       the system ends the command
//	leaves STATUS                    it has ended with that, and left the terminal as it was
func TestTerminal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the scripts use a shell's way of naming programs")
	}
	program := buildProgram(t)
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "..", "testdata", "terminal"),
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Values[worldKey{}] = new(world)
			env.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("PROGRAM", program)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("CODESTREAM_DATA_DIR", filepath.Join(env.WorkDir, "data"))
			env.Setenv("CODESTREAM_KEYRING", "off")
			env.Setenv("BROWSER", "approving-browser")
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			env.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(env.WorkDir, "gitconfig"))
			env.Setenv("GIT_TERMINAL_PROMPT", "0")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"gitlab": startGitLab, "expire": expire, "revoke": revoke, "answers": answers, "renames": renames, "repository": addRepository, "counts": counts, "secrets": noSecrets,
			"relays": startRelays, "relayed": relayed, "healthy": healthy, "stop-relays": stopRelays,
			"gate": startGate, "proxy": startProxy,
			"sits": sit, "sees": see, "types": typeLine, "presses-ctrl-c": pressCtrlC, "pastes": pasteCallback,
			"terminates": terminate, "leaves": leave,
		},
	})
}

func buildProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "codestream-agent")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "../../cmd/codestream-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// world is what a script has started.
type world struct {
	*providertest.GitLab
	relays []*relayProcess
	person *person // who sits at the newest terminal
}

type worldKey struct{}

func of(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func startGitLab(ts *testscript.TestScript, neg bool, args []string) {
	var options providertest.Options
	public := len(args) > 0 && args[0] == "public"
	if public {
		args = args[1:]
	}
	for len(args) > 1 {
		switch args[0] {
		case "root":
			options.Root = args[1]
		case "version":
			options.Version = args[1]
		default:
			ts.Fatalf("a gitlab has no option %q", args[0])
		}
		args = args[2:]
	}
	options.DeviceInterval = 20 * time.Millisecond
	g, err := providertest.StartGitLab(options)
	ts.Check(err)
	of(ts).GitLab = g
	ts.Defer(func() {
		g.Close()
		for _, violation := range g.Violations() {
			ts.Logf("GitLab found a violation: %s", violation)
		}
		if len(g.Violations()) > 0 {
			ts.Fatalf("a careful client does not do that")
		}
	})
	sam := g.AddUser(providertest.User{Username: "sam"})
	g.AddUser(providertest.User{Username: "alex"})
	app := g.AddApplication(providertest.Application{
		Name: "CodeStream", Confidential: !public, RedirectURIs: []string{auth.DefaultRedirectURI}, Scopes: []string{"api"},
	})
	ts.Setenv("GITLAB", g.URL())
	ts.Setenv("HOST", strings.SplitN(g.URL(), "/", 4)[2])
	ts.Setenv("CLIENT_ID", app.ID)
	ts.Setenv("SAM_PASSWORD", sam.Password)
	for name, secret := range map[string]string{
		"secret": app.Secret, "token": g.AddPersonalAccessToken("sam"), "read-token": g.AddPersonalAccessToken("sam", "read_user"),
		"alex-token": g.AddPersonalAccessToken("alex"),
	} {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(secret+"\n"), 0o600))
	}
}

func expire(ts *testscript.TestScript, neg bool, args []string) {
	of(ts).ExpireTokens("sam")
	if len(args) > 0 && args[0] == "there" {
		return
	}
	ts.Check(sessiontest.ExpireAccount(ts.Getenv("CODESTREAM_DATA_DIR"), "sam"))
}

func revoke(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		of(ts).RevokeTokens("sam")
		return
	}
	of(ts).RevokePersonalAccessToken(strings.TrimSpace(ts.ReadFile(args[0])))
}

func answers(ts *testscript.TestScript, neg bool, args []string) {
	of(ts).SetFault(providertest.Endpoint(args[0]), providertest.Fault{Body: ts.ReadFile(args[1])})
}

func renames(ts *testscript.TestScript, neg bool, args []string) {
	name, err := strconv.Unquote(args[0])
	ts.Check(err)
	ts.Check(store.New(ts.Getenv("CODESTREAM_DATA_DIR"), store.Options{}).Update(func(tx *store.Tx) error {
		accounts, err := tx.Accounts()
		if err != nil {
			return err
		}
		for _, account := range accounts {
			tokens, err := tx.Tokens(account.Key())
			if err != nil {
				return err
			}
			account.User.Username = name
			if err := tx.PutAccount(account, tokens); err != nil {
				return err
			}
		}
		return nil
	}))
}

func addRepository(ts *testscript.TestScript, neg bool, args []string) {
	bare, work := ts.MkAbs("bare.git"), ts.MkAbs("work")
	for _, command := range [][]string{
		{"init", "--quiet", "--bare", bare},
		{"clone", "--quiet", bare, work},
		{"-C", work, "-c", "user.name=sam", "-c", "user.email=sam@example.com", "commit", "--quiet", "--allow-empty", "-m", "A commit"},
		{"-C", work, "push", "--quiet", "origin", "HEAD"},
	} {
		ts.Check(ts.Exec("git", command...))
	}
	ts.Setenv("CLONE", of(ts).AddRepository(args[0], bare))
}

func counts(ts *testscript.TestScript, neg bool, args []string) {
	if got := fmt.Sprint(of(ts).Count(args[0], args[1])); got != args[2] {
		ts.Fatalf("%s requests %s %s have come, want %s", got, args[0], args[1], args[2])
	}
}

// noSecrets looks for the secrets of the GitLab, which are told by their prefix.
func noSecrets(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		if strings.Contains(ts.ReadFile(name), providertest.SecretPrefix) {
			ts.Fatalf("there is a secret in %s", name)
		}
	}
}
