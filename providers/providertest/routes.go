package providertest

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A route is something that is served.
type route struct {
	endpoint Endpoint
	method   string
	pattern  string // segments; one in braces matches anything
	api      bool   // below /api/v4
	serve    func(*exchange)
}

// routes is all that the server has. What it lacks, GitLab has other pages for,
// and sends whoever is signed out to the sign-in page.
func routes() []route {
	return []route{
		{EndpointSignIn, "GET", "/users/sign_in", false, (*exchange).signInPage},
		{EndpointSignIn, "POST", "/users/sign_in", false, (*exchange).signIn},
		{EndpointSignIn, "POST", "/users/sign_out", false, (*exchange).signOut},
		{"", "GET", "/", false, (*exchange).homePage},

		{EndpointAuthorize, "GET", "/oauth/authorize", false, (*exchange).authorizePage},
		{EndpointAuthorize, "POST", "/oauth/authorize", false, (*exchange).decide},
		{EndpointToken, "POST", "/oauth/token", false, (*exchange).token},
		{EndpointRevoke, "POST", "/oauth/revoke", false, (*exchange).revoke},
		{EndpointDevice, "POST", "/oauth/authorize_device", false, (*exchange).authorizeDevice},
		{"", "GET", "/oauth/device", false, (*exchange).devicePage},
		{"", "POST", "/oauth/device", false, (*exchange).decideDevice},
		{EndpointTokenInfo, "GET", "/oauth/token/info", false, (*exchange).tokenInfo},
		{EndpointUserinfo, "GET", "/oauth/userinfo", false, (*exchange).userinfo},
		{EndpointUserinfo, "POST", "/oauth/userinfo", false, (*exchange).userinfo},
		{EndpointOpenID, "GET", "/.well-known/openid-configuration", false, (*exchange).discovery},
		{EndpointOpenID, "GET", "/oauth/discovery/keys", false, (*exchange).keys},

		{EndpointUser, "GET", "/api/v4/user", true, (*exchange).user},
		{EndpointVersion, "GET", "/api/v4/version", true, (*exchange).version},
		{EndpointMetadata, "GET", "/api/v4/metadata", true, (*exchange).metadata},
		{EndpointPersonalAccessToken, "GET", "/api/v4/personal_access_tokens/self", true, (*exchange).showSelf},
		{EndpointPersonalAccessToken, "DELETE", "/api/v4/personal_access_tokens/self", true, (*exchange).deleteSelf},
		{EndpointProjects, "GET", "/api/v4/projects", true, (*exchange).listProjects},
		{EndpointProject, "GET", "/api/v4/projects/{id}", true, (*exchange).showProject},
		{EndpointIssues, "GET", "/api/v4/projects/{id}/issues", true, (*exchange).listIssues},
		{EndpointIssues, "POST", "/api/v4/projects/{id}/issues", true, (*exchange).createIssue},
	}
}

func knownEndpoint(e Endpoint) bool {
	return e == EndpointAny || e == EndpointAPI ||
		e != "" && slices.ContainsFunc(routes(), func(r route) bool { return r.endpoint == e })
}

// match finds the route of a path below the root. There always is one: what is
// not served has a route that says so.
func match(method, path string, inside bool) (route, map[string]string) {
	if !inside {
		return route{serve: (*exchange).outside}, nil
	}
	api := path == "/api/v4" || strings.HasPrefix(path, "/api/v4/")
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var other *route // the same path with another method
	for _, r := range routes() {
		params, ok := matchPattern(r.pattern, path)
		if !ok {
			continue
		}
		if r.method == method {
			return r, params
		}
		other = &r
	}
	switch {
	case other != nil && api:
		return route{endpoint: other.endpoint, api: true, serve: (*exchange).notAllowed}, nil
	case api:
		return route{api: true, serve: (*exchange).noRoute}, nil
	case other != nil, method != http.MethodGet, strings.HasPrefix(path, "/oauth/"):
		return route{serve: (*exchange).noPage}, nil
	default:
		return route{serve: (*exchange).elsewhere}, nil
	}
}

func matchPattern(pattern, path string) (map[string]string, bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, false
	}
	params := map[string]string{}
	for i := range want {
		segment, err := url.PathUnescape(have[i])
		if err != nil {
			return nil, false
		}
		if name, ok := strings.CutPrefix(want[i], "{"); ok && segment != "" {
			params[strings.TrimSuffix(name, "}")] = segment
		} else if want[i] != segment {
			return nil, false
		}
	}
	return params, true
}

// outside is what a web server says about a path that is not GitLab's.
func (x *exchange) outside() {
	x.problem(http.StatusNotFound, "Not Found", "There is no GitLab at this address.")
}

// noRoute is the API's answer to a path that it does not have.
func (x *exchange) noRoute() {
	x.json(http.StatusNotFound, map[string]string{"error": "404 Not Found"})
}

func (x *exchange) notAllowed() {
	x.json(http.StatusMethodNotAllowed, map[string]string{"error": "405 Not Allowed"})
}

func (x *exchange) noPage() {
	x.problem(http.StatusNotFound, "Page not found", "The page does not exist, or you may not see it.")
}

// elsewhere is any other page of GitLab's: the signed-out are sent to sign in.
func (x *exchange) elsewhere() {
	if x.session().user != nil {
		x.noPage()
		return
	}
	x.redirect(http.StatusFound, x.g.path("/users/sign_in"))
}

func requestID() string { return "01" + rand.Text()[:24] }
