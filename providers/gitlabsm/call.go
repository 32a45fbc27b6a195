package gitlabsm

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// maxVersion is how much of a version is told, in bytes: "17.11.0-ee" has ten.
const maxVersion = 64

// Version asks GET /version, which every GitLab since 8.13 has
// (https://docs.gitlab.com/api/version/).
func (h host) Version(ctx context.Context) (string, error) {
	var version struct {
		Version string `json:"version"`
	}
	if err := h.getJSON(ctx, "/version", &version); err != nil {
		return "", err
	}
	if version.Version == "" {
		return "", unexpected(h.instance, "GET /version has no version")
	}
	return providers.Shorten(version.Version, maxVersion), nil
}

func (h host) getJSON(ctx context.Context, path string, into any) error {
	result, err := h.Call(ctx, protocol.CallAPIParams{Path: path})
	if err != nil {
		return err
	}
	if json.Unmarshal(result.Body, into) != nil {
		return unexpected(h.instance, "GET "+path+" is of another form")
	}
	return nil
}

func unexpected(instance, problem string) error {
	return &protocol.Error{
		Code:     protocol.NotGitLab,
		Message:  "the answer is not GitLab's: " + problem,
		Hint:     "Check that the instance's URL is the one that you open GitLab with.",
		Instance: instance,
	}
}

// Call makes one call, or one a page.
func (h host) Call(ctx context.Context, call protocol.CallAPIParams) (protocol.CallAPIResult, error) {
	request, err := newRequest(h.instance, call)
	if err != nil {
		return protocol.CallAPIResult{}, err
	}
	if call.AllPages {
		return h.allPages(ctx, request)
	}
	return h.do(ctx, request)
}

// request is a checked call, ready to be sent any number of times.
type request struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
}

func newRequest(instance string, call protocol.CallAPIParams) (request, error) {
	method := strings.ToUpper(call.Method)
	switch method {
	case "":
		method = http.MethodGet
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return request{}, invalid("method %q is none that GitLab's API has", call.Method)
	}
	if call.AllPages && method != http.MethodGet {
		return request{}, invalid("allPages goes with GET, not with %s", method)
	}
	target, err := apiURL(instance, call.Path)
	if err != nil {
		return request{}, err
	}
	if target.RawQuery, err = requestQuery(target.RawQuery, call.Query); err != nil {
		return request{}, err
	}
	header, err := requestHeader(call.Headers)
	if err != nil {
		return request{}, err
	}
	body := []byte(call.Body)
	if string(body) == "null" { // how some editors write "none"
		body = nil
	}
	if err := checkBody(body); err != nil {
		return request{}, err
	}
	if len(body) > 0 {
		header.Set("Content-Type", "application/json")
	}
	return request{method, target, header, body}, nil
}

// requestQuery joins the query of the path and the parameters, which win.
func requestQuery(ofPath string, parameters map[string]protocol.QueryValue) (string, error) {
	query, err := url.ParseQuery(ofPath)
	if err != nil {
		return "", invalid("the query of the path cannot be read: %v", err)
	}
	for name, values := range parameters {
		query[name] = values
	}
	for name := range query {
		if isReservedParameter(name) {
			return "", reserved("query parameter", name)
		}
	}
	return query.Encode(), nil
}

func requestHeader(headers map[string]string) (http.Header, error) {
	out := make(http.Header)
	for name, value := range headers {
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		switch {
		case isReservedHeader(name):
			return nil, reserved("header", name)
		case !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value):
			return nil, invalid("the header %q is not valid", name)
		case out[name] != nil:
			return nil, invalid("the header %s is there twice, in two spellings", name)
		}
		out.Set(name, value)
	}
	if out["Accept"] == nil {
		out.Set("Accept", "application/json")
	}
	return out, nil
}

func (h host) do(ctx context.Context, r request) (protocol.CallAPIResult, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), bytes.NewReader(r.body))
	if err != nil {
		return protocol.CallAPIResult{}, invalid("the call cannot be sent: %v", err)
	}
	req.Header = r.header.Clone()
	resp, err := h.client.Do(req)
	if err != nil {
		return protocol.CallAPIResult{}, providers.TransportError(err, h.instance)
	}
	defer resp.Body.Close()
	body, tooLong, err := providers.ReadBody(resp, providers.MaxBody)
	switch {
	case err != nil:
		return protocol.CallAPIResult{}, providers.TransportError(err, h.instance)
	case resp.StatusCode >= 300 && resp.StatusCode != http.StatusNotModified || isSignInPage(resp):
		return protocol.CallAPIResult{}, responseError(h.instance, resp.StatusCode, resp.Header, body)
	case tooLong:
		return protocol.CallAPIResult{}, tooLarge(h.instance)
	}
	result := protocol.CallAPIResult{Status: resp.StatusCode, Headers: flatten(resp.Header)}
	result.Body, result.BodyEncoding = encodeBody(resp.Header, body)
	return result, nil
}

// isSignInPage reports whether a success is really a page for a person: what a
// proxy or a wrong base URL answers. GitLab's API never has HTML but as a file's
// content, which it marks as text/plain.
func isSignInPage(resp *http.Response) bool {
	return providers.IsHTML(resp.Header) || strings.HasSuffix(resp.Request.URL.Path, signInPath)
}

func tooLarge(instance string) error {
	return &protocol.Error{
		Code:     protocol.GitLabError,
		Message:  fmt.Sprintf("GitLab's answer is larger than %d MiB", providers.MaxBody>>20),
		Hint:     "Ask for less: with per_page, with a filter, or page by page without allPages.",
		Instance: instance,
	}
}

// flatten returns the headers in the form of the protocol. Cookies stay here.
func flatten(header http.Header) map[string]string {
	out := make(map[string]string, len(header))
	for name, values := range header {
		if name != "Set-Cookie" {
			out[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	return out
}

func encodeBody(header http.Header, body []byte) (value json.RawMessage, encoding string) {
	switch {
	case len(body) == 0:
		return json.RawMessage("null"), ""
	case !utf8.Valid(body):
		return quote(base64.StdEncoding.EncodeToString(body)), "base64"
	case providers.IsJSON(header) && json.Valid(body):
		return body, ""
	}
	return quote(string(body)), ""
}

func quote(text string) json.RawMessage {
	quoted, _ := json.Marshal(text) // a string always encodes
	return quoted
}

func invalid(format string, args ...any) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: fmt.Sprintf(format, args...),
		Hint:    "Mend the parameters of gitlabSM/request.",
	}
}
