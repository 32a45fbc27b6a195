package gitlabsm_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

func TestLacks(t *testing.T) {
	for _, c := range []struct {
		version string
		feature providers.Feature
		want    bool
	}{
		{"13.8.8", providers.LoopbackPort, true},
		{"13.9.0", providers.LoopbackPort, false},
		{"13.10.0", providers.LoopbackPort, false}, // 10 is more than 9
		{"13.9", providers.LoopbackPort, false},
		{"9.5.10", providers.LoopbackPort, true},
		{"100.0.0", providers.LoopbackPort, false},
		{"13.7.9-ee", providers.PKCE, true},
		{"13.8.0-ee", providers.PKCE, false},
		{"17.2.0-pre", providers.DeviceGrant, false}, // a build on the way to 17.2 has what 17.2 has
		{"17.2.0-rc42-ee", providers.DeviceGrant, false},
		{"17.1.8-ee.0", providers.DeviceGrant, true},
		{"17.2.0+build.7", providers.DeviceGrant, false},
		{"10.8.7", providers.Supported, true},
		{"11.0.0", providers.Supported, false},

		{"", providers.LoopbackPort, false}, // not known
		{"main", providers.LoopbackPort, false},
		{"v12.0.0", providers.LoopbackPort, false},
		{"12.x", providers.LoopbackPort, false},
		{"12.0.0.0.0", providers.LoopbackPort, false},
		{"-1.2.3", providers.LoopbackPort, false},
		{"12.0.0", providers.Feature("teleport"), false},
	} {
		if got := (gitlabsm.Provider{}).Lacks(c.version, c.feature); got != c.want {
			t.Errorf("%q lacks %s: got %t, want %t", c.version, c.feature, got, c.want)
		}
	}
}

// The GitLab of the tests is written from the same facts, but not from the same
// table: here both are held together.
func TestTheFakeHasWhatItsVersionHas(t *testing.T) {
	for _, version := range []string{"11.0.0", "12.10.14", "13.7.9", "13.8.0", "13.9.0", "14.10.5", "15.0.0", "15.4.6", "15.5.0", "19.0.0"} {
		gitlab := startGitLab(t, providertest.Options{Version: version})
		gitlab.AddUser(providertest.User{Username: "sam"})
		app := gitlab.AddApplication(providertest.Application{RedirectURIs: []string{"http://127.0.0.1/callback"}})
		has := map[providers.Feature]bool{
			providers.ExpiringTokens: !gitlab.Issue("sam", app.ID).ExpiresAt.IsZero(),
			providers.TokenSelf:      statusOf(t, gitlab, "/api/v4/personal_access_tokens/self") == http.StatusOK,
			providers.LoopbackPort:   takesRedirect(t, gitlab, app, "http://127.0.0.1:7171/callback"),
		}
		for feature, has := range has {
			if lacks := (gitlabsm.Provider{}).Lacks(version, feature); lacks == has {
				t.Errorf("GitLab %s: the fake has %s: %t, and the table says it is lacking: %t", version, feature, has, lacks)
			}
		}
		if !takesRedirect(t, gitlab, app, "http://127.0.0.1/callback") {
			t.Errorf("GitLab %s does not take the redirect URI that is registered", version)
		}
	}
}

// statusOf asks with a personal access token.
func statusOf(t *testing.T, gitlab *providertest.GitLab, path string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, gitlab.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("PRIVATE-TOKEN", gitlab.AddPersonalAccessToken("sam"))
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// takesRedirect reports whether a browser is sent back to the redirect URI.
func takesRedirect(t *testing.T, gitlab *providertest.GitLab, app providertest.Application, redirect string) bool {
	t.Helper()
	query := url.Values{"client_id": {app.ID}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"api"}, "state": {"s"}}
	browser := providertest.NewBrowser("sam", providertest.SecretPrefix+"pw-sam", nil)
	_, err := browser.ApproveUntilCallback(t.Context(), gitlab.URL()+"/oauth/authorize?"+query.Encode())
	return err == nil
}

// The README's table "Which GitLab" has the numbers of this package's.
func TestTheReadmeTellsWhatOldVersionsLack(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Which GitLab\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var told []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+\.\d+) \|`).FindAllStringSubmatch(section, -1) {
		told = append(told, row[1])
	}
	var want []string // in the order of the versions
	for _, feature := range []providers.Feature{providers.PKCE, providers.LoopbackPort, providers.ExpiringTokens, providers.TokenSelf, providers.DeviceGrant} {
		want = append(want, gitlabsm.Provider{}.Since(feature))
	}
	if !slices.Equal(told, want) {
		t.Errorf("README.md has rows for %q, want %q", told, want)
	}
}
