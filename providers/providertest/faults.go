package providertest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Endpoint names what a [Fault] spoils.
type Endpoint string

// The endpoints. EndpointAPI is everything below /api/v4, of which the ones
// after it are parts; EndpointAny is everything. The narrowest fault counts.
const (
	EndpointAny       Endpoint = "any"
	EndpointSignIn    Endpoint = "sign_in"
	EndpointAuthorize Endpoint = "authorize"
	EndpointToken     Endpoint = "token"
	EndpointRevoke    Endpoint = "revoke"
	EndpointDevice    Endpoint = "device"
	EndpointTokenInfo Endpoint = "token_info"
	EndpointUserinfo  Endpoint = "userinfo"
	EndpointOpenID    Endpoint = "openid"

	EndpointAPI                 Endpoint = "api"
	EndpointUser                Endpoint = "user"
	EndpointVersion             Endpoint = "version"
	EndpointMetadata            Endpoint = "metadata"
	EndpointPersonalAccessToken Endpoint = "personal_access_token"
	EndpointProjects            Endpoint = "projects"
	EndpointProject             Endpoint = "project"
	EndpointIssues              Endpoint = "issues"
)

// Fault is what goes wrong with an endpoint.
//
// Status, Body, RetryAfter and HTML answer instead of the endpoint, which then
// never learns of the request. Without them the request is processed as ever,
// and Delay, Hold and DropAfter come between that and its answer: so a client
// that goes away meanwhile leaves the server changed, as on a bad line.
type Fault struct {
	// Status is answered instead. 429 is by default what GitLab's rate limiter
	// answers: text/plain "Retry later" with Retry-After and RateLimit-*. A 3xx
	// leads to the sign-in page.
	Status int
	// Body is answered instead; by default a body that suits the status.
	Body string
	// ContentType belongs to Body; by default it is guessed from it.
	ContentType string
	// RetryAfter is the header of that name in seconds: by default 60 for a 429
	// and none otherwise, negative for none at all. Alone it means 429.
	RetryAfter int
	// Delay is waited before the answer. It ends early if the client leaves or
	// the server closes.
	Delay time.Duration
	// DropBefore resets the connection before the request is processed, DropAfter
	// when it has been and the client could have its answer.
	DropBefore, DropAfter bool
	// HTML answers with a sign-in page, status 200 unless Status says another, as
	// a proxy or a wrong base URL does.
	HTML bool
	// Times is how many requests the fault holds for; 0: until it is cleared.
	Times int
	// Hold, if set, holds the answer until the channel is closed; as Delay, it
	// ends early if the client leaves or the server closes.
	Hold <-chan struct{}
	// Header is added to the answer, whoever makes it, in place of what it has. Date
	// is the server's own otherwise.
	Header map[string]string
}

// SetFault makes an endpoint fail from the next request on. It replaces the
// endpoint's fault, and panics for an endpoint that does not exist.
func (g *GitLab) SetFault(endpoint Endpoint, f Fault) {
	if !knownEndpoint(endpoint) {
		panic(fmt.Sprintf("providertest: no endpoint %q", endpoint))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults[endpoint] = &f
}

// ClearFaults ends all faults. A request that is already held stays so.
func (g *GitLab) ClearFaults() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.faults)
}

// takeFault gives the fault for a request that has arrived, the zero one where
// all is well, and counts it.
func (g *GitLab) takeFault(endpoint Endpoint, api bool) Fault {
	try := []Endpoint{endpoint, EndpointAny}
	if api {
		try = []Endpoint{endpoint, EndpointAPI, EndpointAny}
	}
	for _, e := range try {
		f := g.faults[e]
		if f == nil {
			continue
		}
		taken := *f
		if f.Times == 1 {
			delete(g.faults, e)
		} else if f.Times > 1 {
			f.Times--
		}
		return taken
	}
	return Fault{}
}

// replaces reports whether the fault answers instead of the endpoint.
func (f *Fault) replaces() bool {
	return !f.DropAfter && (f.Status != 0 || f.Body != "" || f.RetryAfter > 0 || f.HTML)
}

// wait holds the answer back. It reports false if nobody is there any more.
func (f *Fault) wait(ctx context.Context) bool {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// answer writes the answer that replaces the endpoint's.
func (f *Fault) answer(x *exchange) {
	status := f.Status
	if status == 0 && f.RetryAfter > 0 && f.Body == "" && !f.HTML {
		status = http.StatusTooManyRequests
	}
	if status == 0 {
		status = http.StatusOK
	}
	retry := f.RetryAfter
	if status == http.StatusTooManyRequests {
		if retry == 0 {
			retry = 60
		}
		x.header().Set("RateLimit-Limit", "10")
		x.header().Set("RateLimit-Observed", "11")
		x.header().Set("RateLimit-Remaining", "0")
		x.header().Set("RateLimit-Name", "throttle_unauthenticated_protected_paths")
		x.header().Set("RateLimit-Reset", strconv.FormatInt(x.g.now().Unix()+int64(max(retry, 0)), 10))
	}
	if retry > 0 {
		x.header().Set("Retry-After", strconv.Itoa(retry))
	}
	switch {
	case f.HTML:
		x.page(status, "signin", signInView{Root: x.g.root, Token: "none"})
	case f.Body != "":
		x.body(status, f.contentType(), f.Body)
	case status == http.StatusTooManyRequests:
		x.body(status, "text/plain", "Retry later\n")
	case status >= 300 && status < 400:
		x.redirect(status, x.g.path("/users/sign_in"))
	case status >= 400 && status < 500 && x.api:
		x.message(status, fmt.Sprintf("%d %s", status, http.StatusText(status)))
	default:
		x.problem(status, http.StatusText(status), "The server could not answer this request.")
	}
}

func (f *Fault) contentType() string {
	switch {
	case f.ContentType != "":
		return f.ContentType
	case strings.HasPrefix(f.Body, "{"), strings.HasPrefix(f.Body, "["):
		return "application/json"
	case strings.HasPrefix(f.Body, "<"):
		return "text/html; charset=utf-8"
	default:
		return "text/plain; charset=utf-8"
	}
}
