package gitlabsm

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// NormalizeURL lower-cases the scheme, gives the host its one spelling
// ([providers.NormalizeHost]), and drops the default port and the trailing slash. The
// root's case is kept, since paths have case. Without a scheme it takes https.
func (Provider) NormalizeURL(raw string) (string, error) {
	text := strings.TrimSpace(raw)
	if text == "" {
		return "", invalidURL(raw, "it is empty")
	}
	if lower := strings.ToLower(text); (strings.HasPrefix(lower, "https:/") || strings.HasPrefix(lower, "http:/")) && !strings.Contains(text, "://") {
		return "", invalidURL("", "it has one slash after the colon, where two belong")
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
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "", invalidURL("", "it has a query or a fragment")
	}
	host, err := hostPort(scheme, u)
	if err != nil {
		return "", invalidURL(raw, err.Error())
	}
	root, err := normalizeRoot(u)
	if err != nil {
		return "", invalidURL(raw, err.Error())
	}
	return scheme + "://" + host + root, nil
}

func hostPort(scheme string, u *url.URL) (string, error) {
	name, err := providers.NormalizeHost(u.Hostname())
	if err != nil {
		return "", err
	}
	name = strings.ReplaceAll(name, "%", "%25") // before the zone of an IPv6 address
	port := u.Port()
	if port != "" {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return "", fmt.Errorf("it has the port %s", port)
		}
		port = strconv.FormatUint(number, 10)
	}
	if port != "" && port != providers.DefaultPort(scheme) {
		return net.JoinHostPort(name, port), nil
	}
	if strings.Contains(name, ":") {
		return "[" + name + "]", nil
	}
	return name, nil
}

// normalizeRoot escapes what has to be escaped, and nothing else, so that a path
// has one spelling.
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
	plain := url.URL{Path: "/" + strings.Trim(u.Path, "/")}
	return plain.EscapedPath(), nil
}

// invalidURL leaves the URL out of the message where it may carry a secret.
func invalidURL(raw, problem string) error {
	what := "the instance's URL"
	if raw != "" && !strings.ContainsAny(raw, "@?#") {
		what = fmt.Sprintf("the instance's URL %q", raw)
	}
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: what + " cannot be used: " + problem,
		Hint:    "Give the address that you open GitLab with, such as https://gitlab.example.com or https://example.com/gitlab.",
	}
}
