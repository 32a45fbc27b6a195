package providertest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxBody is how much of a request's body is read.
const maxBody = 4 << 20

// An exchange is one request and its answer, which is kept in a buffer until it
// is sent.
type exchange struct {
	g     *GitLab
	r     *http.Request
	entry *Request
	route
	params map[string]string // what stood in the path, unescaped
	query  url.Values
	form   url.Values // nil where the body is no form

	out    answer
	spent  []*token // refresh tokens that the answer tells the client are dead
	doubts int      // refreshes with the same token that came while this one was in flight
}

// answer is a response that has not been sent yet.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// serve is the life of a request: it is journalled and inspected, meets the
// fault that was set, is processed with the lock held, and is answered.
func (g *GitLab) serve(w http.ResponseWriter, r *http.Request) {
	if backend := g.repository(r.URL.Path); backend != nil {
		g.serveGit(w, r, backend)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		cut(r)
	}
	x, f := g.receive(r, string(body))
	if f.DropBefore {
		f.wait(r.Context())
		g.settle(x, false)
		cut(r)
	}
	g.process(x, &f)
	if there := f.wait(r.Context()); !there || f.DropAfter {
		g.settle(x, false)
		cut(r)
	}
	g.settle(x, true)
	x.send(w)
}

// receive journals and inspects a request that has arrived.
func (g *GitLab) receive(r *http.Request, body string) (*exchange, Fault) {
	x := &exchange{g: g, r: r, out: answer{header: http.Header{}}}
	x.query = r.URL.Query()
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		x.form, _ = url.ParseQuery(body)
	}
	path, inside := g.below(r.URL.EscapedPath())
	x.route, x.params = match(r.Method, path, inside)
	x.entry = &Request{
		Method: r.Method, Path: path, Query: x.query,
		Header: r.Header.Clone(), Form: x.form, Body: body,
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	x.entry.Time = g.now()
	g.inspect(x)
	g.write(x.entry)
	return x, g.takeFault(x.endpoint, x.api)
}

// process makes the answer.
func (g *GitLab) process(x *exchange, f *Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	x.header().Set("X-Request-Id", requestID())
	if x.api {
		x.header().Set("X-Gitlab-Meta", `{"correlation_id":"`+x.header().Get("X-Request-Id")+`","version":"1"}`)
		x.header().Set("Cache-Control", "max-age=0, private, must-revalidate")
	}
	if f.replaces() {
		f.answer(x)
	} else {
		x.serve(x)
	}
	for name, value := range f.Header {
		x.header().Set(name, value)
	}
}

// settle ends the exchange: from here on the client has its answer, or never
// gets one.
func (g *GitLab) settle(x *exchange, answered bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if answered {
		x.entry.Status = x.out.status
	}
	g.landed(x, answered)
}

func (x *exchange) send(w http.ResponseWriter) {
	for name, values := range x.out.header {
		w.Header()[name] = values
	}
	if x.out.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(x.out.body.Len()))
	}
	w.WriteHeader(x.out.status)
	if x.r.Method != http.MethodHead {
		_, _ = w.Write(x.out.body.Bytes())
	}
}

// below cuts the root off a path; false where the path is outside.
func (g *GitLab) below(path string) (string, bool) {
	rest, inside := strings.CutPrefix(path, g.root)
	if rest == "" {
		return "/", inside
	}
	if !inside || rest[0] != '/' {
		return path, false
	}
	return rest, true
}

// path is the path of a page, root included, for links and redirects.
func (g *GitLab) path(below string) string { return g.root + below }

func (x *exchange) header() http.Header { return x.out.header }

func (x *exchange) body(status int, contentType, body string) {
	x.out.status = status
	x.header().Set("Content-Type", contentType)
	x.out.body.Reset()
	x.out.body.WriteString(body)
}

func (x *exchange) json(status int, value any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // every value is made here
	}
	x.body(status, "application/json", strings.TrimSuffix(body.String(), "\n"))
}

// message is how GitLab's API reports most errors.
func (x *exchange) message(status int, text string) {
	x.json(status, map[string]string{"message": text})
}

func (x *exchange) redirect(status int, target string) {
	x.header().Set("Location", target)
	x.body(status, "text/html; charset=utf-8", "")
}

// bearer is the token of the Authorization header, RFC 6750, section 2.1.
func (x *exchange) bearer() string {
	scheme, token, _ := strings.Cut(x.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
