package gitlabsm_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

const jsonType = "application/json"

// probe probes the URL as the agent does, without credentials.
func probe(t *testing.T, url string) (providers.Probe, error) {
	t.Helper()
	return gitlabsm.Provider{}.Probe(t.Context(), providers.NewClient(http.DefaultTransport, url), url)
}

// serve starts a server that answers each path by its own handler, and anything
// else with a page that is not found.
func serve(t *testing.T, paths map[string]http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler := paths[r.URL.Path]; handler != nil {
			handler(w, r)
			return
		}
		sends(404, "<html>", "Content-Type", "text/html")(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// openID is GitLab's OpenID configuration where GitLab takes issuer for its own
// address.
func openID(issuer string) http.HandlerFunc {
	return sends(200, fmt.Sprintf(`{"issuer":%q,"token_endpoint":%q}`, issuer, issuer+"/oauth/token"), "Content-Type", jsonType)
}

func TestProbeWarnsOfAnotherIssuer(t *testing.T) {
	paths := map[string]http.HandlerFunc{}
	server := serve(t, paths)
	for issuer, warned := range map[string]bool{
		server.URL:                         false,
		server.URL + "/":                   false,
		strings.ToUpper(server.URL):        false,
		"https://gitlab.example.com":       true,
		server.URL + "/gitlab":             true,
		"https" + server.URL[len("http"):]: true,
		"gitlab://strange":                 false, // not an address to tell of
	} {
		paths["/.well-known/openid-configuration"] = openID(issuer)
		found, err := probe(t, server.URL)
		if err != nil || len(found.Warnings) > 1 || (len(found.Warnings) == 1) != warned {
			t.Errorf("%s: got %q, %v", issuer, found.Warnings, err)
			continue
		}
		if warned && (!strings.Contains(found.Warnings[0], issuer) || !strings.Contains(found.Warnings[0], server.URL)) {
			t.Errorf("%s: the warning is %q", issuer, found.Warnings[0])
		}
	}
}

// An issuer is told of by its normalised form: what is left out of that is not for
// a person's eyes.
func TestProbeTellsOfACleanIssuer(t *testing.T) {
	server := serve(t, map[string]http.HandlerFunc{"/.well-known/openid-configuration": openID("\u2028HTTPS://GitLab.example.com:443/git\u202elab/\u0085")})
	found, err := probe(t, server.URL)
	if err != nil || len(found.Warnings) != 1 || !isPlain(found.Warnings[0]) || !strings.Contains(found.Warnings[0], "https://gitlab.example.com/") {
		t.Errorf("got %q, %v", found.Warnings, err)
	}
}

// An administrator may hide the OpenID configuration. The API tells then.
func TestProbeFallsBackToTheAPI(t *testing.T) {
	paths := map[string]http.HandlerFunc{}
	server := serve(t, paths)
	hidden := map[string]http.HandlerFunc{
		"not found":       nil,
		"sign-in page":    sends(200, "<html>", "Content-Type", "text/html"),
		"forbidden":       sends(403, "", "Content-Type", "text/plain"),
		"broken":          sends(200, `{"issuer":`, "Content-Type", jsonType),
		"of another kind": sends(200, `{"issuer":"https://x","token_endpoint":"https://x/token"}`, "Content-Type", jsonType),
		"of one below":    sends(200, `{"issuer":"https://x","token_endpoint":"https://x/oauth/token/v2"}`, "Content-Type", jsonType),
		"without issuer":  sends(200, `{"token_endpoint":"https://x/oauth/token"}`, "Content-Type", jsonType),
		"not as JSON":     sends(200, `{"issuer":"https://x","token_endpoint":"https://x/oauth/token"}`, "Content-Type", "text/plain"),
		"in trouble":      sends(503, "", "Content-Type", "text/html"),
	}
	for how, configuration := range hidden {
		paths["/.well-known/openid-configuration"] = configuration
		for what, c := range map[string]struct {
			server   http.HandlerFunc
			isGitLab bool
		}{
			"stranger":           {sends(401, `{"message":"401 Unauthorized"}`, "Content-Type", jsonType), true},
			"refused":            {sends(403, `{"message":"403 Forbidden - by IP address"}`, "Content-Type", jsonType), true},
			"open":               {sends(200, `{"version":"17.11.0","revision":"x"}`, "Content-Type", jsonType), true},
			"without version":    {sends(200, `{"revision":"x"}`, "Content-Type", jsonType), false},
			"version of a kind":  {sends(200, `{"version":2}`, "Content-Type", jsonType), false},
			"another stranger":   {sends(401, `{"message":"Unauthorized"}`, "Content-Type", jsonType), false},
			"one who quotes":     {sends(403, `{"message":"upstream: 403 Forbidden"}`, "Content-Type", jsonType), false},
			"another's not here": {sends(404, `{"error":"404 Not Found"}`, "Content-Type", jsonType), false},
			"page":               {sends(401, `{"message":"401 Unauthorized"}`, "Content-Type", "text/html"), false},
		} {
			paths["/api/v4/version"] = c.server
			found, err := probe(t, server.URL)
			switch {
			case c.isGitLab && (err != nil || len(found.Warnings) != 0):
				t.Errorf("%s, %s: got %q, %v", how, what, found.Warnings, err)
			case !c.isGitLab:
				wantCode(t, how+", "+what, err, protocol.NotGitLab)
			}
		}
	}
}

func TestProbeOfARealGitLabWithItsConfigurationHidden(t *testing.T) {
	gitlab := startGitLab(t, providertest.Options{Root: "/gitlab"})
	gitlab.SetFault(providertest.EndpointOpenID, providertest.Fault{Status: 404})
	if found, err := probe(t, gitlab.URL()); err != nil || len(found.Warnings) != 0 {
		t.Errorf("got %q, %v", found.Warnings, err)
	}
	gitlab.SetFault(providertest.EndpointAPI, providertest.Fault{Status: 429, RetryAfter: 30})
	_, err := probe(t, gitlab.URL())
	gitlab.SetFault(providertest.EndpointAPI, providertest.Fault{Status: 500})
	_, broken := probe(t, gitlab.URL())
	wantCode(t, "broken", broken, protocol.GitLabError)
	if e := wantCode(t, "limited", err, protocol.RateLimited); e.Data().RetryAfterSeconds != 30 {
		t.Errorf("retry after %d s", e.Data().RetryAfterSeconds)
	}
}

func TestProbeSuggestsWhereItIsSent(t *testing.T) {
	for location, suggestion := range map[string]string{
		"/gitlab/users/sign_in":                                           "SELF/gitlab",
		"/users/sign_in?x=y":                                              "", // this is what was given
		"https://gitlab.example.com/users/sign_in":                        "https://gitlab.example.com",
		"https://GitLab.example.com:443/GitLab/users/sign_in?redirect=1":  "https://gitlab.example.com/GitLab",
		"//gitlab.example.com/users/sign_in":                              "http://gitlab.example.com",
		"https://gitlab.example.com/.well-known/openid-configuration":     "https://gitlab.example.com",
		"https://gitlab.example.com/gitlab/api/v4/version":                "https://gitlab.example.com/gitlab",
		"https://sso.example.com/login?next=https://gitlab/users/sign_in": "",
		"https://sam:pw@gitlab.example.com/users/sign_in":                 "",
		"https://gitlab.example.com/login":                                "",
		"gitlab://users/sign_in":                                          "",
		"":                                                                "",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/users/sign_in") {
				sends(200, "<html>", "Content-Type", "text/html")(w, r)
				return
			}
			sends(302, "", "Location", location)(w, r)
		}))
		_, err := probe(t, server.URL)
		server.Close()
		want := strings.ReplaceAll(suggestion, "SELF", server.URL)
		e := wantCode(t, location, err, protocol.NotGitLab)
		if suggested := strings.Contains(e.Hint, "GitLab seems to answer at "); suggested != (want != "") || !strings.Contains(e.Hint, "at "+want+": ") && suggested {
			t.Errorf("%q: the hint is %q, want %q", location, e.Hint, want)
		}
	}
}

// Who gives the address of a page finds GitLab above it. Deeper than four parts
// nobody guesses, and where nothing is, nobody asks for long.
func TestProbeSuggestsWhatIsAbove(t *testing.T) {
	paths := map[string]http.HandlerFunc{}
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if handler := paths[r.URL.Path]; handler != nil {
			handler(w, r)
			return
		}
		sends(404, "<html>", "Content-Type", "text/html")(w, r)
	}))
	defer server.Close()
	for _, c := range []struct {
		gitlab, asked string
		found         bool
		requests      int32
	}{
		{"", "/group", true, 3},
		{"", "/group/sub/project/issues", true, 6},
		{"/gitlab", "/gitlab/group/project", true, 4},
		{"/my%20lab", "/my%20lab/gr%20oup", true, 3},
		{"", "/a/b/c/d/e", false, 6},
		{"/gitlab", "/a/b", false, 4},
		{"/gitlab", "", false, 2},
	} {
		clear(paths)
		plain := strings.ReplaceAll(c.gitlab, "%20", " ")
		paths[plain+"/.well-known/openid-configuration"] = openID(server.URL + c.gitlab)
		requests.Store(0)
		_, err := probe(t, server.URL+c.asked)
		e := wantCode(t, c.asked, err, protocol.NotGitLab)
		if strings.Contains(e.Hint, "at "+server.URL+c.gitlab+":") != c.found || requests.Load() != c.requests {
			t.Errorf("%s: %d requests, hint %q", c.asked, requests.Load(), e.Hint)
		}
	}
}

// The network may fail between two questions.
func TestProbeWhereTheServerGoesAway(t *testing.T) {
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, c := range map[string]struct {
		paths map[string]http.HandlerFunc
		code  protocol.Code
	}{
		"at the first":  {map[string]http.HandlerFunc{"/group/.well-known/openid-configuration": cut}, protocol.HostUnreachable},
		"at the second": {map[string]http.HandlerFunc{"/group/api/v4/version": cut}, protocol.HostUnreachable},
		"at a guess":    {map[string]http.HandlerFunc{"/.well-known/openid-configuration": cut}, protocol.NotGitLab},
		"within an answer": {map[string]http.HandlerFunc{"/group/.well-known/openid-configuration": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			sends(200, "{}")(w, r)
		}}, protocol.HostUnreachable},
	} {
		_, err := probe(t, serve(t, c.paths).URL+"/group")
		wantCode(t, name, err, c.code)
	}
	_, err := probe(t, "http://%zz")
	wantCode(t, "no URL", err, protocol.InvalidParams)
}
