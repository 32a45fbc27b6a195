package gitlabsm

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// NormalizeURL lower-cases scheme and host, and drops the default port and the
// trailing slash. The root's case is kept, since paths have case. Without a
// scheme it takes https.
func (Provider) NormalizeURL(raw string) (string, error) {
	text := strings.TrimSpace(raw)
	if text == "" {
		return "", invalidURL(raw, "it is empty")
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", invalidURL(raw, "it cannot be read as a URL")
	}
	scheme := strings.ToLower(u.Scheme)
	switch {
	case scheme != "http" && scheme != "https":
		return "", invalidURL(raw, "its scheme is neither http nor https")
	case u.User != nil:
		return "", invalidURL("", "it has a user name or password in it")
	case u.Hostname() == "" || strings.ContainsAny(u.Hostname(), " \t\r\n"):
		return "", invalidURL(raw, "it has no host")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "", invalidURL("", "it has a query or a fragment")
	}
	root, err := normalizeRoot(u)
	if err != nil {
		return "", invalidURL(raw, err.Error())
	}
	return scheme + "://" + hostPort(scheme, u) + root, nil
}

func hostPort(scheme string, u *url.URL) string {
	name := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if port := u.Port(); port != "" && port != providers.DefaultPort(scheme) {
		return net.JoinHostPort(name, port)
	}
	if strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return name
}

func normalizeRoot(u *url.URL) (string, error) {
	root := strings.Trim(u.EscapedPath(), "/")
	if root == "" {
		return "", nil
	}
	for segment := range strings.SplitSeq(root, "/") {
		switch decoded, err := url.PathUnescape(segment); {
		case err != nil, decoded == "", decoded == ".", decoded == "..", strings.ContainsAny(decoded, "/\\"):
			return "", fmt.Errorf("its path has the part %q", segment)
		}
	}
	return "/" + root, nil
}

// invalidURL leaves the URL out of the message where it may carry a secret.
func invalidURL(raw, problem string) error {
	what := "the instance's URL"
	if raw != "" {
		what = fmt.Sprintf("the instance's URL %q", raw)
	}
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: what + " cannot be used: " + problem,
		Hint:    "Give the address that you open GitLab with, such as https://gitlab.example.com or https://example.com/gitlab.",
	}
}
