//go:build doorkeeper

package acceptance

import (
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestTeamMateSignsIn lets one person configure a confidential application for the
// team, and another sign in, on a machine where nobody has entered anything.
func TestTeamMateSignsIn(t *testing.T) {
	t.Parallel()
	app := oauthApplication{
		Name: "confidential", UID: "team-application", Secret: "gloas-b7c1e07f95d3416f8a-team", Confidential: true,
		RedirectURI: auth.DefaultRedirectURI, Scopes: "api",
	}
	d := startDoorkeeper(t, nil, app)
	server, err := natstest.Start(filepath.Join(t.TempDir(), "registry"), natstest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Kill() })

	maintainer := openWindow(t, t.TempDir(), app.Secret)
	maintainer.joinTeam(server, natstest.Maintainer)
	shared := ask(maintainer, protocol.Configure, protocol.ConfigureParams{URL: d.url, ClientID: app.UID, ClientSecret: app.Secret})
	if shared.Instance.Source != protocol.SourceTeam {
		t.Fatalf("the instance is shared as %+v", shared.Instance)
	}

	mate := openWindow(t, t.TempDir(), app.Secret)
	mate.joinTeam(server, natstest.Member)
	seen := next[protocol.DidChangeInstancesParams](mate.ctx, mate, protocol.DidChangeInstances.Method())
	if len(seen.Instances) != 1 || seen.Instances[0].ID != d.url || !seen.Instances[0].Confidential {
		t.Fatalf("the team mate sees %+v", seen.Instances)
	}
	s := mate.startSignIn(protocol.AuthenticateParams{})
	d.approve(s)
	if account := s.account(); account.User.Username != username {
		t.Errorf("the account is %+v", account)
	}
	if user := ask(mate, protocol.CurrentUser, protocol.CurrentUserParams{}); user.Username != username {
		t.Errorf("the user is %+v", user)
	}
}

// joinTeam sets the team's registry, as a change of the editor's settings does.
func (w *window) joinTeam(server *natstest.Server, role natstest.Role) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "credentials.json")
	if err := natstest.WriteCredentials(path, role, natstest.TeamKey); err != nil {
		w.t.Fatal(err)
	}
	settings := protocol.DidChangeConfigurationParams{}
	settings.Settings.CodeStream = &protocol.InitializationOptions{Team: &protocol.Team{Registry: server.URL, CredentialsFile: path}}
	if err := w.Notify(protocol.DidChangeConfiguration.Method(), settings); err != nil {
		w.t.Fatal(err)
	}
}
