package gitlabsm_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

func TestOtherTokensAreToldByTheirPrefix(t *testing.T) {
	for token, other := range map[string]bool{
		"gldt-abc": true, "glrt-abc": true, "gloas-abc": true, "glcbt-abc": true, "glptt-abc": true, "glft-abc": true, "GR1348941abc": true,
		"glpat-abc": false, "abcdefghijklmnopqrst": false, "": false,
		"acme-glpat-abc": false, // the instance's own prefix
		"glpat-gldt-":    false,
	} {
		if kind := (gitlabsm.Provider{}).OtherToken(token); (kind != "") != other {
			t.Errorf("%q is %q", token, kind)
		}
	}
}

func TestBotsAreToldByTheirNames(t *testing.T) {
	for name, want := range map[string]protocol.TokenKind{
		"sam": protocol.TokenPersonal, "project_bot": protocol.TokenPersonal, "my_project_7_bot": protocol.TokenPersonal,
		"project_7_bot": protocol.TokenProject, "project_7_bot1": protocol.TokenProject, "project_7_bot_4ffca233d8298ea1": protocol.TokenProject,
		"group_9_bot_4ffca233d8298ea1": protocol.TokenGroup,
	} {
		if got := (gitlabsm.Provider{}).TokenKind(protocol.User{Username: name}); got != want {
			t.Errorf("%s has a %s token, want %s", name, got, want)
		}
	}
}

// withToken returns the API of a GitLab as a personal access token sees it.
func withToken(g *providertest.GitLab, token string) providers.Host {
	endpoints := gitlabsm.Provider{}.Endpoints(g.URL())
	var transports providers.Transports
	base, _ := transports.Get(protocol.Network{})
	return gitlabsm.Provider{}.Host(g.URL(), providers.NewClient(roundTrip(func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.Header.Set(endpoints.PersonalTokenHeader, token)
		req.Close = true
		return base.RoundTrip(req)
	}), endpoints.API))
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestAPersonalTokenDescribesAndRevokesItself(t *testing.T) {
	g, err := providertest.StartGitLab(providertest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	g.AddUser(providertest.User{Username: "sam"})
	ends := time.Now().UTC().AddDate(0, 0, 30).Truncate(24 * time.Hour)
	h := withToken(g, g.AddPersonalAccessTokenUntil("sam", ends, "read_api", "read_user"))
	described, err := h.PersonalToken(t.Context())
	if err != nil || !slices.Equal(described.Scopes, []string{"read_api", "read_user"}) || !described.ExpiresAt.Equal(ends) || described.Revoked {
		t.Errorf("PersonalToken: %+v, %v", described, err)
	}
	if err := h.RevokePersonalToken(t.Context()); err != nil {
		t.Errorf("RevokePersonalToken: %v", err)
	}
	var answer *protocol.Error
	if _, err := h.PersonalToken(t.Context()); !errors.As(err, &answer) || answer.Status != http.StatusUnauthorized {
		t.Errorf("PersonalToken of one that was revoked: %v, want a 401", err)
	}
}

func TestAnOldGitLabTellsNothingOfATokenAndRevokesNone(t *testing.T) {
	g, err := providertest.StartGitLab(providertest.Options{Version: "14.10.5"})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	g.AddUser(providertest.User{Username: "sam"})
	h := withToken(g, g.AddPersonalAccessToken("sam"))
	if _, err := h.PersonalToken(t.Context()); !errors.Is(err, protocol.NotFound) {
		t.Errorf("PersonalToken: %v, want NotFound", err)
	}
	if err := h.RevokePersonalToken(t.Context()); !errors.Is(err, protocol.NotFound) {
		t.Errorf("RevokePersonalToken: %v, want NotFound", err)
	}
}
