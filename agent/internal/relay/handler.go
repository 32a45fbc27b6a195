package relay

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	_ "embed"
)

const (
	// DefaultPath is the path of the redirect URI that organisations have registered.
	DefaultPath = "/no-auth/provider-token/gitlab_enterprise"

	// HealthPath answers 200 while the relay serves.
	HealthPath = "/healthz"

	// CallbackPath is where the agent's listener waits, whatever path the relay has.
	CallbackPath = DefaultPath
)

// maxValue bounds each parameter of a callback in bytes. GitLab's codes have 64
// characters; a description of an error is some words.
const maxValue = 2 << 10

// passed are the parameters that are sent on (RFC 6749 sections 4.1.2 and 4.1.2.1,
// RFC 9207).
var passed = []string{"code", "state", "error", "error_description", "iss"}

// handler serves a relay.
type handler struct{ path string }

// Handler returns a relay whose redirect URI has this path. It answers GET and HEAD
// of that path and of [HealthPath], and nothing else.
func Handler(path string) http.Handler { return handler{path} }

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header(), r.TLS != nil)
	switch {
	case r.URL.Path != h.path && r.URL.Path != HealthPath:
		refuse(w, http.StatusNotFound, "There is nothing here", "This is the way back from a sign-in at GitLab, which begins in the editor.")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "This is not done here", "The sign-in at GitLab begins in the editor.")
	case r.URL.Path == HealthPath:
		fmt.Fprintln(w, "ok")
	default:
		h.sendOn(w, r)
	}
}

func (h handler) sendOn(w http.ResponseWriter, r *http.Request) {
	target, err := targetOf(r.URL.RawQuery)
	if err != nil {
		refuse(w, http.StatusBadRequest, "The sign-in cannot go on from here", "This is not how GitLab comes back: "+err.Error()+". Start the sign-in again from the editor.")
		return
	}
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// targetOf returns the address on the user's machine to which a callback's query is
// sent on, or an error that says what is wrong with the query, without repeating
// any of it.
func targetOf(query string) (string, error) {
	given, err := url.ParseQuery(query)
	if err != nil {
		return "", errors.New("its query cannot be read")
	}
	on := url.Values{}
	for _, name := range passed {
		values := given[name]
		switch {
		case len(values) > 1:
			return "", fmt.Errorf("the parameter %s is there twice", name)
		case len(values) == 1 && len(values[0]) > maxValue:
			return "", fmt.Errorf("the parameter %s is too long", name)
		case len(values) == 1:
			on.Set(name, values[0])
		}
	}
	port, ok := portOf(on.Get("state"))
	switch {
	case !ok:
		return "", errors.New("its state is none of an agent's")
	case (on.Get("code") == "") == (on.Get("error") == ""):
		return "", errors.New("it carries neither a code nor an error, or both")
	}
	target := url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: CallbackPath, RawQuery: on.Encode()}
	return target.String(), nil
}

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// page and policy are made when they are first wanted: whatever is made at the
// start is made at the start of every sidecar. The policy allows a page its own
// style and nothing else.
var page = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageHTML)) })

var policy = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
})

// setHeaders keeps what passes through to itself: not stored, not named to others.
// Only a relay that serves TLS itself may say that its host is never to be asked
// without.
func setHeaders(h http.Header, secure bool) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", policy())
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// refuse shows a page. Nothing of the request is on it.
func refuse(w http.ResponseWriter, status int, title, text string) {
	var html bytes.Buffer
	data := struct {
		Style       template.CSS
		Title, Text string
	}{template.CSS(pageCSS), title, text}
	if err := page().Execute(&html, data); err != nil {
		http.Error(w, title, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(html.Bytes())
}

// ValidPath reports what is wrong with the path of a redirect URI.
func ValidPath(path string) error {
	u, err := url.Parse(cmp.Or(path, "-"))
	if err != nil || !strings.HasPrefix(path, "/") || u.Path != path || u.Host != "" || path == HealthPath {
		return fmt.Errorf("the path %q is not one such as %s", path, DefaultPath)
	}
	return nil
}
