package gitlabsm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// maxProbeBody bounds the answers to a probe; real ones are a few kilobytes.
const maxProbeBody = 1 << 20

// signInPath is where GitLab sends whoever is not signed in.
const signInPath = "/users/sign_in"

// What a probe asks for.
const (
	openIDPath  = "/.well-known/openid-configuration"
	versionPath = "/api/v4/version"
)

// Probe asks for the OpenID configuration, which GitLab shows to everybody, and
// where that is hidden for the API, which answers strangers with 401 in JSON.
// Neither counts against GitLab's rate limit for sign-ins.
func (p Provider) Probe(ctx context.Context, client *http.Client, instance string) (providers.Probe, error) {
	openID, err := ask(ctx, client, instance, openIDPath)
	if err != nil {
		return providers.Probe{}, err
	}
	if issuer, ok := openID.issuer(); ok {
		return providers.Probe{Warnings: p.checkIssuer(issuer, instance)}, nil
	}
	api, err := ask(ctx, client, instance, versionPath)
	if err != nil {
		return providers.Probe{}, err
	}
	if api.isGitLabAPI() {
		return providers.Probe{}, nil
	}
	if busy := api.unavailable(instance); busy != nil {
		return providers.Probe{}, busy
	}
	return providers.Probe{}, notGitLab(instance, openID, p.suggest(ctx, client, instance, openID, api))
}

func (p Provider) checkIssuer(issuer, instance string) []string {
	id, err := p.NormalizeURL(issuer)
	if err != nil || id == instance {
		return nil
	}
	return []string{fmt.Sprintf("GitLab gives its own address as %s, not %s. Links in its answers lead there; if that is the address your team uses, configure it instead.", id, instance)}
}

// answer is what came back from a probe.
type answer struct {
	status int
	header http.Header
	url    *url.URL // after redirects within the origin
	body   []byte
}

func ask(ctx context.Context, client *http.Client, instance, path string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, instance+path, nil)
	if err != nil {
		return answer{}, invalidURL(instance, "it cannot be asked")
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, providers.TransportError(err, instance)
	}
	defer resp.Body.Close()
	body, _, err := providers.ReadBody(resp, maxProbeBody)
	if err != nil {
		return answer{}, providers.TransportError(err, instance)
	}
	return answer{resp.StatusCode, resp.Header, resp.Request.URL, body}, nil
}

// issuer returns the issuer of an OpenID configuration that is GitLab's.
func (a answer) issuer() (string, bool) {
	var config struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
	}
	if a.status != http.StatusOK || !providers.IsJSON(a.header) || json.Unmarshal(a.body, &config) != nil {
		return "", false
	}
	return config.Issuer, config.Issuer != "" && strings.HasSuffix(config.TokenEndpoint, "/oauth/token")
}

// isGitLabAPI reports whether this is how GitLab's API answers a stranger: with
// {"message":"401 Unauthorized"}, or where it is open to all with its version.
// Other programs answer everything with 401 or 403 in JSON too.
func (a answer) isGitLabAPI() bool {
	var body struct{ Message, Version string }
	if !providers.IsJSON(a.header) || json.Unmarshal(a.body, &body) != nil {
		return false
	}
	switch a.status {
	case http.StatusOK:
		return body.Version != ""
	case http.StatusUnauthorized, http.StatusForbidden:
		return strings.HasPrefix(body.Message, providers.StatusText(a.status))
	}
	return false
}

// unavailable returns an error for an answer that says "not now", or that says
// itself what is in the way.
func (a answer) unavailable(instance string) error {
	if e := providers.ServerError(instance, a.status, a.header, a.body); e != nil && (e.Code != protocol.NotGitLab || e.Details != nil && a.status >= 500) {
		return e
	}
	return nil
}

// suggest returns the base URL that was probably meant, or "".
func (p Provider) suggest(ctx context.Context, client *http.Client, instance string, answers ...answer) string {
	for _, a := range answers {
		base, err := p.NormalizeURL(a.base())
		if err == nil && base != instance {
			return base
		}
	}
	base, err := url.Parse(instance)
	if err != nil {
		return ""
	}
	for range 4 { // a group, a project and a page of it; deeper is a guess
		cut := strings.LastIndexByte(base.Path, '/')
		if cut < 0 {
			return ""
		}
		base.Path, base.RawPath = base.Path[:cut], ""
		found, err := ask(ctx, client, base.String(), openIDPath)
		if err != nil {
			return ""
		}
		if _, ok := found.issuer(); ok {
			return base.String()
		}
	}
	return ""
}

// base returns the base URL of the GitLab to which this answer leads: to its
// sign-in page, or to what was asked for at another address. Else it returns "".
func (a answer) base() string {
	target := a.url.String()
	if location := a.header.Get("Location"); location != "" {
		resolved, err := a.url.Parse(location)
		if err != nil || providers.DefaultPort(resolved.Scheme) == "" {
			return ""
		}
		target = resolved.String()
	}
	for _, path := range []string{signInPath, openIDPath, versionPath} {
		if base, _, found := strings.Cut(target, path); found {
			return base
		}
	}
	return ""
}

func notGitLab(instance string, a answer, suggestion string) error {
	e := providers.NotGitLab(instance, a.status, a.header)
	if suggestion != "" {
		e.Details = nil // a stranger's page would not know GitLab's paths
		e.Message = instance + " is not GitLab's address"
		e.Hint = fmt.Sprintf("GitLab seems to answer at %s: if so, configure that.", suggestion)
	}
	return e
}
