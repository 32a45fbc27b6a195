package sessiontest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// usher returns the window through which the setup talks to an agent.
func (s *session) usher(ctx context.Context) (*window, error) {
	for _, w := range s.every {
		if w.number == 0 && !w.ended {
			return w, nil
		}
	}
	w := s.open(0)
	return w, s.initialize(ctx, w)
}

// dismiss ends the window of the setup.
func (s *session) dismiss(ctx context.Context) error {
	for _, w := range s.every {
		if w.number != 0 || w.ended {
			continue
		}
		if err := w.editor.Call(ctx, protocol.Shutdown.Method(), nil, nil); err != nil {
			return fmt.Errorf("setup: %w", s.gone(ctx, w, err))
		}
		w.shutdown = true
		if err := s.end(ctx, w); err != nil {
			return fmt.Errorf("setup: %w", err)
		}
	}
	return nil
}

// configured makes an instance known to the agents.
func (s *session) configured(ctx context.Context, name, extra string) error {
	g, err := s.world.gitlab(name)
	if err != nil {
		return err
	}
	params := map[string]any{"url": g.URL(), "clientId": g.app.ID}
	if g.app.Confidential {
		params["clientSecret"] = s.vars[g.name+".clientSecret"]
	}
	if g.scopes != nil {
		params["scopes"] = g.scopes
	}
	if len(g.app.RedirectURIs) > 0 {
		params["redirectUri"] = g.app.RedirectURIs[0]
	}
	if g.caFile != "" {
		params["network"] = protocol.Network{CAFile: g.caFile}
	}
	if extra != "" {
		more := map[string]any{}
		if err := json.Unmarshal([]byte(extra), &more); err != nil {
			return err
		}
		maps.Copy(params, more)
	}
	w, err := s.usher(ctx)
	if err != nil {
		return err
	}
	return s.gone(ctx, w, w.editor.Call(ctx, protocol.Configure.Method(), params, nil))
}

// signedIn signs a person in, as a script does with "! browser approves".
func (s *session) signedIn(ctx context.Context, user, name string, byToken bool) error {
	g, err := s.world.gitlab(name)
	if err != nil {
		return err
	}
	w, err := s.usher(ctx)
	if err != nil {
		return err
	}
	var known protocol.StatusResult
	if err := w.editor.Call(ctx, protocol.Status.Method(), struct{}{}, &known); err != nil {
		return s.gone(ctx, w, err)
	}
	if !slices.ContainsFunc(known.Instances, func(in protocol.Instance) bool { return in.ID == g.URL() }) {
		if err := s.configured(ctx, name, ""); err != nil {
			return err
		}
	}
	g.user(user)
	if byToken {
		params := protocol.AuthenticateParams{Instance: g.URL(), Method: protocol.MethodToken, Token: g.AddPersonalAccessToken(user)}
		return s.gone(ctx, w, w.editor.Call(ctx, protocol.Authenticate.Method(), params, nil))
	}
	browsed := make(chan error, 1)
	browsing, cancel := context.WithCancel(ctx)
	go func() {
		_, err := s.approveNext(browsing, w, g, user)
		browsed <- err
	}()
	err = w.editor.Call(ctx, protocol.Authenticate.Method(), map[string]any{"instance": g.URL()}, nil)
	if err != nil {
		cancel() // there may be nothing to approve
		return errors.Join(s.gone(ctx, w, err), <-browsed)
	}
	err = <-browsed
	cancel()
	return err
}

// approveNext approves the next sign-in that starts in a window.
func (s *session) approveNext(ctx context.Context, w *window, g *gitlab, user string) (*providertest.Page, error) {
	m, err := w.editor.Next(ctx, protocol.DidStartAuthentication.Method())
	if err != nil {
		return nil, err
	}
	var signIn protocol.DidStartAuthenticationParams
	if err := json.Unmarshal(m.Params, &signIn); err != nil {
		return nil, err
	}
	return g.browser(user).Approve(ctx, signIn.AuthorizeURL)
}
