package gitlabsm_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

func TestSuite(t *testing.T) {
	for name, root := range map[string]string{"at the root": "", "below a root": "/GitLab/ci"} {
		t.Run(name, func(t *testing.T) {
			providertest.Run(t, providertest.Suite{
				Provider: gitlabsm.Provider{},
				Start: func(t *testing.T, secure bool) providertest.SuiteHost {
					return startForSuite(t, providertest.Options{Root: root, TLS: secure})
				},
			})
		})
	}
}

func startForSuite(t *testing.T, o providertest.Options) providertest.SuiteHost {
	gitlab := startGitLab(t, o)
	sam := gitlab.AddUser(providertest.User{Username: "sam"})
	app := gitlab.AddApplication(providertest.Application{Scopes: []string{"api", "read_user"}})
	h := providertest.SuiteHost{
		URL:       gitlab.URL(),
		User:      protocol.User{ID: sam.ID, Username: "sam", Name: "Sam", Email: "sam@example.com", WebURL: gitlab.URL() + "/sam"},
		Authorise: withBearer(gitlab.Issue("sam", app.ID, "api").AccessToken),
		Weak:      withBearer(gitlab.Issue("sam", app.ID, "read_user").AccessToken),
		Version:   "17.11.0",

		List:       protocol.CallAPIParams{Path: "/projects"},
		ListLength: 45,
		Create:     protocol.CallAPIParams{Method: "POST", Path: "/projects/team%2Fproject-07/issues", Body: json.RawMessage(`{"title":"it broke"}`)},
		Missing:    protocol.CallAPIParams{Path: "/projects/team%2Fnone"},

		Requests: func() int { return len(gitlab.Requests()) },
		Check: func(t *testing.T) {
			if v := gitlab.Violations(); len(v) > 0 {
				t.Errorf("violations: %q", v)
			}
		},
	}
	if o.TLS {
		h.CAFile = filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(h.CAFile, gitlab.CertificatePEM(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func startGitLab(t *testing.T, o providertest.Options) *providertest.GitLab {
	t.Helper()
	gitlab, err := providertest.StartGitLab(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gitlab.Close)
	return gitlab
}

// withBearer adds an access token as the agent does.
func withBearer(access string) func(http.RoundTripper) http.RoundTripper {
	return func(base http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.Header.Set("Authorization", "Bearer "+access)
			return base.RoundTrip(r)
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
