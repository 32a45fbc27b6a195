package auth_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// TestMain checks that no goroutine outlives the tests, unless this process is
// only here as somebody's browser.
func TestMain(m *testing.M) {
	if address := os.Getenv(browserVariable); address != "" {
		os.Exit(beBrowser(address, os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// patience bounds a wait for what has to happen.
const patience = 20 * time.Second

// lifetime is how long the access tokens live.
const lifetime = 2 * time.Hour

// world is a GitLab, and a data directory in which it is configured.
type world struct {
	*providertest.GitLab
	t          *testing.T
	app        providertest.Application
	sam        providertest.User
	dir        string
	transports providers.Transports
	// through stands between the managers and the network, where it is set.
	through func(http.RoundTripper) http.RoundTripper
	changes atomic.Int32
	// expected is a violation that GitLab may find.
	expected string
}

// settings say how a world differs from the usual one.
type settings struct {
	options  providertest.Options
	redirect string // registered and configured; default: the agent's
	name     string // of the instance
	user     string // sam's full name
}

func newWorld(t *testing.T, s settings) *world {
	t.Helper()
	g, err := providertest.StartGitLab(s.options)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{GitLab: g, t: t, dir: filepath.Join(t.TempDir(), "data")}
	t.Cleanup(func() {
		w.transports.CloseIdle()
		g.Close()
		for _, violation := range g.Violations() {
			if violation != w.expected {
				t.Errorf("GitLab found a violation: %s", violation)
			}
		}
	})
	w.sam = g.AddUser(providertest.User{Username: "sam", Name: s.user})
	w.app = g.AddApplication(providertest.Application{
		Confidential: true, RedirectURIs: []string{cmp.Or(s.redirect, auth.DefaultRedirectURI)}, Scopes: []string{"api"},
	})
	w.update(func(tx *store.Tx) error {
		return errors.Join(tx.PutInstance(store.Instance{
			ID: g.URL(), Name: cmp.Or(s.name, "Work"), ClientID: w.app.ID, RedirectURI: s.redirect, Scopes: []string{"api"},
		}, secret.New(w.app.Secret)), tx.SetVersion(g.URL(), "17.11.0", time.Now())) // so that nobody asks for it
	})
	return w
}

// manager is that of one more window.
func (w *world) manager(change func(*auth.Config)) *auth.Manager {
	st := store.New(w.dir, store.Options{})
	config := auth.Config{
		Store: st, Provider: gitlabsm.Provider{}, Instances: team.NewDirectory(st, gitlabsm.Provider{}, team.Local{}),
		Transport: func(in store.Instance) (http.RoundTripper, error) {
			base, err := w.transports.Get(in.Network)
			if err == nil && w.through != nil {
				base = w.through(base)
			}
			return base, err
		},
		Changed: func() { w.changes.Add(1) },
		Log:     slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&config)
	}
	m := auth.New(config)
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		m.Close(ctx)
	})
	return m
}

// instance is the one that is configured.
func (w *world) instance() (in store.Instance) {
	w.t.Helper()
	err := store.New(w.dir, store.Options{}).View(func(tx *store.Tx) (err error) {
		in, err = tx.Instance(w.URL())
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return in
}

func (w *world) key() store.AccountKey {
	return store.AccountKey{Instance: w.URL(), Account: strconv.FormatInt(w.sam.ID, 10)}
}

// signedIn saves an account for sam with fresh tokens, of which age has passed.
func (w *world) signedIn(age time.Duration, withRefreshToken bool) store.Tokens {
	w.t.Helper()
	issued := w.Issue("sam", w.app.ID, "api")
	account := store.Account{
		ID: w.key().Account, Instance: w.URL(), Method: protocol.MethodBrowser, ClientID: w.app.ID, TokenType: "Bearer",
		RedirectURI: w.app.RedirectURIs[0], Scopes: []string{"api"}, User: protocol.User{Username: "sam"},
		IssuedAt: time.Now().Add(-age),
	}
	if !issued.ExpiresAt.IsZero() {
		account.ExpiresAt = issued.ExpiresAt.Add(-age)
	}
	tokens := store.Tokens{Access: secret.New(issued.AccessToken)}
	if withRefreshToken {
		tokens.Refresh = secret.New(issued.RefreshToken)
	}
	w.update(func(tx *store.Tx) error { return tx.PutAccount(account, tokens) })
	return tokens
}

func (w *world) update(fn func(*store.Tx) error) {
	w.t.Helper()
	if err := store.New(w.dir, store.Options{}).Update(fn); err != nil {
		w.t.Fatal(err)
	}
}

// saved is sam's account as it is on disk.
func (w *world) saved() (account store.Account, tokens store.Tokens, err error) {
	err = store.New(w.dir, store.Options{}).View(func(tx *store.Tx) error {
		if account, err = tx.Account(w.key()); err != nil {
			return err
		}
		tokens, err = tx.Tokens(w.key())
		return err
	})
	return account, tokens, err
}

// currentUser asks GitLab who sam is, through a client of the manager's.
func (w *world) currentUser(ctx context.Context, m *auth.Manager) error {
	client, err := m.Client(w.instance(), w.key())
	if err != nil {
		return err
	}
	_, err = gitlabsm.Provider{}.Host(w.URL(), client).CurrentUser(ctx)
	return err
}

// refreshes counts the requests to the token endpoint.
func (w *world) refreshes() int { return w.Count(http.MethodPost, "/oauth/token") }

func (w *world) wantRefreshes(want int) {
	w.t.Helper()
	if got := w.refreshes(); got != want {
		w.t.Errorf("there were %d requests for tokens, want %d", got, want)
	}
}

// browserVariable makes a process of the test binary the user's browser, which
// tells the address that it names what it was called with.
const browserVariable = "AUTH_TEST_BROWSER"

func beBrowser(address string, args []string) int {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 1
	}
	defer conn.Close()
	_, err = conn.Write([]byte(strings.Join(args, "\n")))
	if err != nil {
		return 1
	}
	return 0
}
