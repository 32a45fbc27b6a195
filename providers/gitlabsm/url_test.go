package gitlabsm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

func TestNormalizeURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://gitlab.example.com":             "https://gitlab.example.com",
		"https://gitlab.example.com/":            "https://gitlab.example.com",
		" https://gitlab.example.com//\t":        "https://gitlab.example.com",
		"gitlab.example.com":                     "https://gitlab.example.com",
		"gitlab.example.com/gitlab/":             "https://gitlab.example.com/gitlab",
		"gitlab.example.com:8443":                "https://gitlab.example.com:8443",
		"localhost:3000/gitlab":                  "https://localhost:3000/gitlab",
		"192.0.2.7:443":                          "https://192.0.2.7",
		"HTTPS://GitLab.Example.COM/GitLab/CI/":  "https://gitlab.example.com/GitLab/CI",
		"http://gitlab.example.com:80":           "http://gitlab.example.com",
		"https://gitlab.example.com:443/":        "https://gitlab.example.com",
		"http://gitlab.example.com:443":          "http://gitlab.example.com:443",
		"https://gitlab.example.com:80":          "https://gitlab.example.com:80",
		"https://gitlab.example.com:":            "https://gitlab.example.com",
		"https://gitlab.example.com:0443":        "https://gitlab.example.com",
		"https://gitlab.example.com:08443":       "https://gitlab.example.com:8443",
		"https://gitlab.example.com.":            "https://gitlab.example.com",
		"https://gitlab.example.com..:8443/":     "https://gitlab.example.com:8443",
		"https://[2001:DB8::1]":                  "https://[2001:db8::1]",
		"https://[2001:db8::1]:443/":             "https://[2001:db8::1]",
		"[2001:db8::1]:8443/gitlab":              "https://[2001:db8::1]:8443/gitlab",
		"https://[fe80::1%25eth0]:8443":          "https://[fe80::1%25eth0]:8443",
		"https://gitlab.example.com/#":           "https://gitlab.example.com",
		"https://gitlab.example.com//gitlab":     "https://gitlab.example.com/gitlab",
		"https://gitlab.example.com/git%6cab":    "https://gitlab.example.com/gitlab",
		"https://gitlab.example.com/my gitlab":   "https://gitlab.example.com/my%20gitlab",
		"https://gitlab.example.com/my%20gitlab": "https://gitlab.example.com/my%20gitlab",
		"https://gitlab.example.com/über":        "https://gitlab.example.com/%C3%BCber",
		"https://gitlab.example.com/%c3%bcber":   "https://gitlab.example.com/%C3%BCber",
		"https://gitlab.example.com/a..b/...":    "https://gitlab.example.com/a..b/...",
		"https://gitlab.example.com/%252e%252e":  "https://gitlab.example.com/%252e%252e",
		"https://GITLAB.BÜCHER.example":          "https://gitlab.xn--bcher-kva.example",
		"https://gitlab.xn--BCHER-kva.example":   "https://gitlab.xn--bcher-kva.example",
		"http://ｌｏｃａｌｈｏｓｔ:3000":                  "http://localhost:3000",
		"http://localhoſt:3000":                  "http://localhost:3000",
		"http://１２７.0.0.1":                       "http://127.0.0.1",
		"https://gitlab.example.com。/":           "https://gitlab.example.com",
		"https://gitlаb.example.com":             "https://xn--gitlb-7ve.example.com", // with a Cyrillic а
		"https://gitlab\u200b.exa\u2060mple.com": "https://gitlab.example.com",        // with spaces of no width
		"https://my_gitlab--ce.example.com":      "https://my_gitlab--ce.example.com",
		"https://[2001:db8:0:0::1]":              "https://[2001:db8::1]",
		"https://[::ffff:192.0.2.7]":             "https://192.0.2.7",
	} {
		if got, err := (gitlabsm.Provider{}).NormalizeURL(raw); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", raw, got, err, want)
		}
	}
}

func TestNormalizeURLSaysWhatIsWrong(t *testing.T) {
	for raw, problem := range map[string]string{
		"":                                      "it is empty",
		" \n":                                   "it is empty",
		"ftp://gitlab.example.com":              "neither http nor https",
		"ssh://gitlab.example.com":              "neither http nor https",
		"sam@gitlab.example.com":                "user name or password",
		"https://sam:pw@gitlab.example.com":     "user name or password",
		"https://@gitlab.example.com":           "user name or password",
		"https://":                              "no host",
		"https:///gitlab":                       "no host",
		"//gitlab.example.com":                  "no host",
		"https://.":                             "no host",
		"https://:8443":                         "no host",
		"https://gitlab%c2%9b.example.com":      "belongs in none",
		"https://gitlab%e2%80%ae.example.com":   "belongs in none",
		"https://gitlab%ff.example.com":         "belongs in none",
		`https://"gitlab".example.com`:          "belongs in none",
		"https://192.0.2.7%25eth0":              "belongs in none",
		"https://a\u2024b\u200f.example.com":    "belongs in none",
		"https://127.1":                         "neither a name nor an IP address",
		"https://2130706433":                    "neither a name nor an IP address",
		"https://0x7f.1.":                       "neither a name nor an IP address",
		"https://127.0.0.0x1":                   "neither a name nor an IP address",
		"https://[::ffff:192.0.2.7%25eth0]a":    "cannot be read as a URL",
		"https://gitlab.example.com?":           "query or a fragment",
		"https://gitlab.example.com/?a=b":       "query or a fragment",
		"https://gitlab.example.com/#a":         "query or a fragment",
		"https://gitlab.example.com:0":          "the port 0",
		"https://gitlab.example.com:65536":      "the port 65536",
		"https://gitlab.example.com:port":       "cannot be read as a URL",
		"https://gitlab.example.com:-1":         "cannot be read as a URL",
		"javascript:alert(1)":                   "cannot be read as a URL",
		"2001:db8::1":                           "cannot be read as a URL",
		"https://[2001:db8::1":                  "cannot be read as a URL",
		"https://git lab.example.com":           "cannot be read as a URL",
		`https://gitlab.example.com\root`:       "cannot be read as a URL",
		"https://gitlab.example.com/\x00":       "cannot be read as a URL",
		"https://gitlab.example.com/%zz":        "cannot be read as a URL",
		"https://gitlab.example.com/a/../b":     `the part ".."`,
		"https://gitlab.example.com/a/./b":      `the part "."`,
		"https://gitlab.example.com/a//b":       `the part ""`,
		"https://gitlab.example.com/%2E%2e":     `the part "%2E%2e"`,
		"https://gitlab.example.com/a%2Fb":      `the part "a%2Fb"`,
		"https://gitlab.example.com/a%5Cb":      `the part "a%5Cb"`,
		"https://gitlab.example.com/a\\..\\..b": `the part`,
	} {
		got, err := gitlabsm.Provider{}.NormalizeURL(raw)
		if !errors.Is(err, protocol.InvalidParams) || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: got %q, %v; want an error with %q", raw, got, err, problem)
		}
	}
	_, err := gitlabsm.Provider{}.NormalizeURL("ftp://gitlab.example.com")
	if err == nil || !strings.Contains(err.Error(), `"ftp://gitlab.example.com"`) {
		t.Errorf("the URL is not repeated where it has no secret: %v", err)
	}
}
