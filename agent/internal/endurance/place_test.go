package endurance

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// users are those of every instance, and accountOf the ids of their accounts.
var (
	users     = []string{"sam", "kim"}
	accountOf = map[string]string{"sam": "1", "kim": "2"}
)

// A place is a GitLab, and a data directory in which agents know it.
type place struct {
	*providertest.GitLab
	app providertest.Application
	dir string
}

// newPlace starts a GitLab whose users need not consent.
func newPlace(t testing.TB, dir string) *place {
	t.Helper()
	g, err := providertest.StartGitLab(providertest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	for _, user := range users {
		g.AddUser(providertest.User{Username: user})
	}
	return &place{GitLab: g, dir: dir, app: g.AddApplication(providertest.Application{
		Name: "CodeStream", Confidential: true, Trusted: true,
		RedirectURIs: []string{"http://127.0.0.1/no-auth/provider-token/gitlab_enterprise"},
	})}
}

// signedInPlace is a place where an agent has signed all users in.
func signedInPlace(t testing.TB) *place {
	t.Helper()
	ctx, p := within(t), newPlace(t, t.TempDir())
	w := launch(t, p.dir)
	err := errors.Join(w.greet(ctx), p.configure(ctx, w, "GitLab"))
	for _, user := range users {
		err = errors.Join(err, p.signIn(ctx, w, user, nil))
	}
	if err = errors.Join(err, w.leave(ctx)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) configure(ctx context.Context, w *window, name string) error {
	_, err := call(ctx, w, protocol.Configure, protocol.ConfigureParams{
		URL: p.URL(), ClientID: p.app.ID, ClientSecret: p.app.Secret, Name: name,
	})
	return err
}

func (p *place) unconfigure(ctx context.Context, w *window) error {
	_, err := call(ctx, w, protocol.Unconfigure, protocol.UnconfigureParams{Instance: p.URL()})
	return err
}

func (p *place) disconnect(ctx context.Context, w *window, user string) error {
	_, err := call(ctx, w, protocol.Disconnect, protocol.DisconnectParams{Instance: p.URL(), Account: accountOf[user]})
	return err
}

func (p *place) currentUser(ctx context.Context, w *window, user string) (protocol.User, error) {
	return call(ctx, w, protocol.CurrentUser, protocol.CurrentUserParams{Instance: p.URL(), Account: accountOf[user]})
}

// A stage is a point in a sign-in.
type stage int

const (
	asked     stage = iota // the request is about to be sent
	started                // the agent waits for the browser
	returning              // the browser is about to be sent back to the agent
	stages                 // how many there are
)

// signIn signs a user in as a person in front of a browser does. at, if it is
// not nil, is told of each stage before it begins.
func (p *place) signIn(ctx context.Context, w *window, user string, at func(stage)) error {
	if at == nil {
		at = func(stage) {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answer := make(chan error, 1)
	at(asked)
	go func() {
		_, err := call(ctx, w, protocol.Authenticate, protocol.AuthenticateParams{Instance: p.URL()})
		answer <- err
		if err != nil { // there may be nothing to approve
			cancel(err)
		}
	}()
	browsed := p.browse(ctx, w, user, at)
	if err := <-answer; err != nil {
		return errors.Join(err, browsed)
	}
	return nil // the page that the browser ends on is not looked at here
}

// browse is the browser's part of a sign-in.
func (p *place) browse(ctx context.Context, w *window, user string, at func(stage)) error {
	m, err := w.Next(ctx, protocol.DidStartAuthentication.Method())
	if err != nil {
		return err
	}
	var signIn protocol.DidStartAuthenticationParams
	if err := json.Unmarshal(m.Params, &signIn); err != nil {
		return err
	}
	at(started)
	browser := providertest.NewBrowser(user, providertest.SecretPrefix+"pw-"+user, nil)
	callback, err := browser.ApproveUntilCallback(ctx, signIn.AuthorizeURL)
	if err != nil {
		return err
	}
	at(returning)
	_, err = browser.Open(ctx, callback)
	return err
}

// expire lets the user's access token run out, by the agents' clock and by
// GitLab's.
func (p *place) expire(t testing.TB, user string) {
	t.Helper()
	p.ExpireTokens(user)
	if err := sessiontest.ExpireAccount(p.dir, user); err != nil {
		t.Fatal(err)
	}
}

// refreshes are the refreshes that GitLab was asked for.
func (p *place) refreshes() (all []providertest.Request) {
	for _, r := range p.Requests() {
		if r.Path == tokenPath && r.Form.Get("grant_type") == "refresh_token" {
			all = append(all, r)
		}
	}
	return all
}

const tokenPath = "/oauth/token"

// stored returns the access token that is kept of a user.
func (p *place) stored(user string) (access string, err error) {
	err = store.New(p.dir, store.Options{}).View(func(tx *store.Tx) error {
		tokens, err := tx.Tokens(store.AccountKey{Instance: p.URL(), Account: accountOf[user]})
		access = tokens.Access.Reveal()
		return err
	})
	return access, err
}
