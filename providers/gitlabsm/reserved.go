package gitlabsm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// What is reserved is the agent's to say: who asks, whom to act as, where the
// request comes from and how it is framed. GitLab lets each of the first two into
// headers, query and body alike, and takes a token that it finds there before the
// one in Authorization (https://docs.gitlab.com/api/rest/authentication/,
// lib/gitlab/auth/auth_finders.rb and config/initializers/doorkeeper.rb).

var reservedHeaders = map[string]bool{
	// Who asks: X-Nuget-Apikey is that of GitLab's package registry. What ends in
	// -Token is below.
	"Authorization": true, "Cookie": true, "Sudo": true, "X-Nuget-Apikey": true,

	// Where the request comes from, and what it asks for: a proxy before GitLab,
	// or Rails, believes these.
	"Host": true, "Forwarded": true, "X-Real-Ip": true, "X-Client-Ip": true, "Client-Ip": true, "True-Client-Ip": true,
	"X-Original-Url": true, "X-Rewrite-Url": true, "X-Http-Method-Override": true,

	// How it is framed (RFC 9110 section 7.6.1, RFC 9112 section 6).
	"Connection": true, "Content-Length": true, "Expect": true, "Http2-Settings": true, "Keep-Alive": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// reservedPrefixes begin headers that GitLab's own parts and proxies send each
// other, such as Gitlab-Shared-Secret, Proxy-Authorization and X-Forwarded-For.
var reservedPrefixes = []string{"Gitlab-", "Proxy-", "X-Forwarded-", "X-Ssl-"}

// isReservedHeader takes a canonical name. GitLab's web server takes an
// underscore for a hyphen.
func isReservedHeader(name string) bool {
	name = http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
	for _, prefix := range reservedPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	// Private-Token, Job-Token, Deploy-Token, X-Csrf-Token and many more.
	return reservedHeaders[name] || strings.HasSuffix(name, "-Token")
}

// reservedParameters do in a query or a body what reserved headers do. In a query
// they would also be logged.
var reservedParameters = map[string]bool{
	"private_token": true, "access_token": true, "bearer_token": true, "job_token": true, "deploy_token": true, "sudo": true,
}

// isReservedParameter reads a name as Rack does, GitLab's reader of parameters:
// private_token[] and [private_token] are private_token too.
func isReservedParameter(name string) bool {
	name = strings.TrimLeft(name, "[]")
	if end := strings.IndexAny(name, "[]"); end >= 0 {
		name = name[:end]
	}
	return reservedParameters[strings.ToLower(strings.TrimSpace(name))]
}

// checkBody looks at the members of an object, which GitLab takes for parameters.
func checkBody(body []byte) error {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return nil // no object, so no names
	}
	for name := range object {
		if isReservedParameter(name) {
			return reserved("member of the body", name)
		}
	}
	return nil
}

func reserved(what, name string) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: fmt.Sprintf("the %s %q cannot be set: the agent itself adds the credentials and what the connection needs", what, name),
		Hint:    "Leave it out. The parameter account says as whom to ask.",
	}
}
