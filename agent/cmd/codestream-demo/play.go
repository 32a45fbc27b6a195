package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// play is the stage: a GitLab with a user and an application, and what the
// editor extension of the user knows.
type play struct {
	program, browser, dataDir string

	gitlab      *providertest.GitLab
	user        providertest.User
	application providertest.Application
}

func newPlay(program, browser, dataDir string) (*play, error) {
	gitlab, err := providertest.StartGitLab(providertest.Options{})
	if err != nil {
		return nil, err
	}
	return &play{
		program: program, browser: browser, dataDir: dataDir, gitlab: gitlab,
		user: gitlab.AddUser(providertest.User{Username: "sam", Name: "Sam Rivers"}),
		application: gitlab.AddApplication(providertest.Application{
			Name:         "CodeStream",
			RedirectURIs: []string{"http://127.0.0.1/no-auth/provider-token/gitlab_enterprise"},
			Scopes:       []string{"api"},
			Confidential: true,
		}),
	}, nil
}

// play is the whole job, scene by scene.
func (p *play) play(ctx context.Context) error {
	fmt.Printf("A GitLab of the demo's own runs at %s. Its administrator has registered an application with the\n"+
		"redirect URI %s and the scope api.\n", p.gitlab.URL(), p.application.RedirectURIs[0])

	scene("An editor spawns the agent")
	window, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer window.kill()
	old, err := p.firstDay(ctx, window)
	if err != nil {
		return err
	}
	if err := window.close(ctx); err != nil {
		return err
	}

	scene("The next day: a new process of the agent still knows the user")
	window, err = p.open(ctx)
	if err != nil {
		return err
	}
	defer window.kill()
	if err := p.secondDay(ctx, window, old); err != nil {
		return err
	}
	return window.close(ctx)
}

// firstDay is from the first settings to an authorised call. It returns the
// access token with which the day ended.
func (p *play) firstDay(ctx context.Context, w *window) (token string, err error) {
	scene("The first user of the team enters the three settings")
	err = w.call(ctx, protocol.Configure.Method(), protocol.ConfigureParams{
		URL: p.gitlab.URL(), ClientID: p.application.ID, ClientSecret: p.application.Secret, Name: "Demo GitLab",
	}, nil)
	if err != nil {
		return "", err
	}

	scene("They press \"Sign in\": the browser opens, and comes back to this machine")
	var signedIn protocol.AuthenticateResult
	if err := w.call(ctx, protocol.Authenticate.Method(), protocol.AuthenticateParams{}, &signedIn); err != nil {
		return "", err
	}
	fmt.Printf("   The browser ended on the page %q.\n", <-w.page)

	scene("From now on the agent calls GitLab as the user")
	if err := p.whoAmI(ctx, w); err != nil {
		return "", err
	}

	scene("Two hours later the access token has run out: it is refreshed on the way, and nobody notices")
	p.gitlab.ExpireTokens(p.user.Username)
	if err := p.whoAmI(ctx, w); err != nil {
		return "", err
	}
	refreshes := 0
	for _, r := range p.gitlab.Requests() {
		if r.Form.Get("grant_type") == "refresh_token" {
			refreshes++
		}
	}
	fmt.Printf("   GitLab counts %d refresh.\n", refreshes)
	if refreshes != 1 {
		return "", fmt.Errorf("there should have been 1 refresh, not %d", refreshes)
	}

	scene("An extension that has to call GitLab by itself asks for the token")
	var access protocol.TokenResult
	err = w.call(ctx, protocol.Token.Method(), protocol.TokenParams{}, &access)
	return access.AccessToken, err
}

// secondDay is from the restart to the end of the token.
func (p *play) secondDay(ctx context.Context, w *window, old string) error {
	if err := w.call(ctx, protocol.Status.Method(), protocol.StatusParams{}, nil); err != nil {
		return err
	}
	if err := p.whoAmI(ctx, w); err != nil {
		return err
	}

	scene("The user signs out: the tokens are revoked at GitLab, then forgotten")
	var gone protocol.DisconnectResult
	if err := w.call(ctx, protocol.Disconnect.Method(), protocol.DisconnectParams{}, &gone); err != nil {
		return err
	}
	if !gone.Revoked {
		return errors.New("the tokens were not revoked")
	}
	err := w.call(ctx, protocol.CurrentUser.Method(), protocol.CurrentUserParams{}, nil)
	if !errors.Is(err, protocol.SignInRequired) {
		return fmt.Errorf("after the sign-out SignInRequired was due, not %v", err)
	}

	scene("The old token no longer opens anything")
	status, err := p.tryToken(ctx, old)
	if err != nil {
		return err
	}
	fmt.Printf("   GET %s/api/v4/user with the old token: %d %s\n", p.gitlab.URL(), status, http.StatusText(status))
	if status != http.StatusUnauthorized {
		return errors.New("the old token should have been refused")
	}
	if broken := p.gitlab.Violations(); len(broken) > 0 {
		return fmt.Errorf("GitLab has complaints: %q", broken)
	}
	return nil
}

// whoAmI asks GitLab for the user.
func (p *play) whoAmI(ctx context.Context, w *window) error {
	var answer protocol.CallAPIResult
	if err := w.call(ctx, protocol.CallAPI.Method(), protocol.CallAPIParams{Path: "/user"}, &answer); err != nil {
		return err
	}
	var user struct{ Name, Username string }
	if err := json.Unmarshal(answer.Body, &user); err != nil {
		return err
	}
	fmt.Printf("   /api/v4/user says: %s (@%s).\n", user.Name, user.Username)
	if user.Username != p.user.Username {
		return fmt.Errorf("that is not %s", p.user.Username)
	}
	return nil
}

// tryToken asks GitLab directly, past the agent.
func (p *play) tryToken(ctx context.Context, token string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.gitlab.URL()+"/api/v4/user", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// open opens an editor window: an agent, and an editor that has initialized it.
func (p *play) open(ctx context.Context) (*window, error) {
	w, err := spawn(p.program, p.dataDir, p.browser, p.gitlab.Secrets)
	if err != nil {
		return nil, err
	}
	go w.print(ctx)
	options := protocol.InitializationOptions{Browser: protocol.BrowserEditor}
	if p.browser != "" {
		options.Browser = protocol.BrowserSystem
		fmt.Printf("   Sign in as %s with the password %s, and press Authorize.\n", p.user.Username, p.user.Password)
	}
	w.editor.Answer(protocol.ShowDocument.Method(), func(params json.RawMessage) (any, *sessiontest.ResponseError) {
		go w.browse(ctx, providertest.NewBrowser(p.user.Username, p.user.Password, nil), params)
		return protocol.ShowDocumentResult{Success: true}, nil
	})
	pid := os.Getpid()
	err = w.call(ctx, protocol.Initialize.Method(), protocol.InitializeParams{
		ProcessID:             &pid,
		ClientInfo:            &protocol.Info{Name: "codestream-demo"},
		InitializationOptions: &options,
		Capabilities: protocol.ClientCapabilities{Window: protocol.WindowCapabilities{
			ShowDocument: protocol.ShowDocumentCapabilities{Support: true},
		}},
	}, nil)
	if err != nil {
		w.kill()
		return nil, err
	}
	return w, w.editor.Notify(protocol.Initialized.Method(), struct{}{})
}
