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

// Probe asks for the OpenID configuration, which GitLab shows to everybody, and
// where that is hidden for the API, which answers strangers with 401 in JSON.
// Neither counts against GitLab's rate limit for sign-ins.
func (p Provider) Probe(ctx context.Context, client *http.Client, instance string) (providers.Probe, error) {
	openID, err := ask(ctx, client, instance, "/.well-known/openid-configuration")
	if err != nil {
		return providers.Probe{}, err
	}
	if issuer, ok := openID.issuer(); ok {
		return providers.Probe{Warnings: p.checkIssuer(issuer, instance)}, nil
	}
	api, err := ask(ctx, client, instance, "/api/v4/version")
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
	if id, err := p.NormalizeURL(issuer); err != nil || id == instance {
		return nil
	}
	return []string{fmt.Sprintf("GitLab gives its own address as %s, not %s. Links in its answers lead there; if that is the address your team uses, configure it instead.", issuer, instance)}
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

// isGitLabAPI reports whether this is how GitLab's API answers a stranger.
func (a answer) isGitLabAPI() bool {
	return (a.status == http.StatusUnauthorized || a.status == http.StatusForbidden || a.status == http.StatusOK) &&
		providers.IsJSON(a.header)
}

// unavailable returns an error for an answer that says "not now".
func (a answer) unavailable(instance string) error {
	if a.status != http.StatusTooManyRequests && a.status < 500 {
		return nil
	}
	return responseError(instance, a.status, a.header, a.body)
}

// suggest returns the base URL that was probably meant, or "".
func (p Provider) suggest(ctx context.Context, client *http.Client, instance string, answers ...answer) string {
	for _, a := range answers {
		if base := a.signInBase(); base != "" && base != instance {
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
		found, err := ask(ctx, client, base.String(), "/.well-known/openid-configuration")
		if err != nil {
			return ""
		}
		if _, ok := found.issuer(); ok {
			return base.String()
		}
	}
	return ""
}

// signInBase returns the base URL of the GitLab to whose sign-in page this answer
// leads, or "".
func (a answer) signInBase() string {
	target := a.url.String()
	if location := a.header.Get("Location"); location != "" {
		resolved, err := a.url.Parse(location)
		if err != nil {
			return ""
		}
		target = resolved.String()
	}
	base, _, found := strings.Cut(target, signInPath)
	if !found {
		return ""
	}
	return base
}

func notGitLab(instance string, a answer, suggestion string) error {
	hint := "Give the address that you open GitLab with. If it is right, a proxy or a sign-in page of your network may be in the way: open it in the browser."
	if suggestion != "" {
		hint = fmt.Sprintf("GitLab answers at %s: configure that.", suggestion)
	}
	return &protocol.Error{
		Code:     protocol.NotGitLab,
		Message:  fmt.Sprintf("%s is not a GitLab instance: %s", instance, providers.DescribeAnswer(a.status, a.header)),
		Hint:     hint,
		Instance: instance,
		Status:   a.status,
	}
}
