package providertest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Browser is one person's browser with its cookies, and the person in front of
// it, who signs in when asked. It follows redirects by status, by meta refresh
// and by script, and goes to http and https addresses only: where a page leads
// to another scheme it stops, as a browser hands that over to another program.
//
// It is for one goroutine at a time.
type Browser struct {
	username, password string
	userCode           string // what the person types where a device's code is asked for
	client             *http.Client
}

// Page is where a [Browser] ended: what a person would now see.
type Page struct {
	URL    string
	Status int
	Header http.Header
	Body   string
	Title  string
}

// maxSteps is how many pages a browser goes through before it gives up, as real
// ones do.
const maxSteps = 20

// A choice is what the person presses on the consent page.
type choice string

// The choices, by the data-testid of their buttons.
const (
	approve choice = "authorize-button"
	deny    choice = "deny-button"
	leave   choice = "" // nothing: the person only looks
)

// NewBrowser makes a fresh browser, without cookies. certPEM holds certificates
// to trust beside the system's; nil for none.
func NewBrowser(username, password string, certPEM []byte) *Browser {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	roots.AppendCertsFromPEM(certPEM)
	jar, _ := cookiejar.New(nil) // never fails
	return &Browser{
		username: username,
		password: password,
		client: &http.Client{
			Jar:     jar,
			Timeout: time.Minute,
			Transport: &http.Transport{
				TLSClientConfig:   &tls.Config{RootCAs: roots},
				DisableKeepAlives: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Approve opens the authorize URL, signs in if asked, presses Authorize if
// asked, and follows to the callback and on to the page that it ends on. An
// error page of GitLab's is such a page too: look at it. The error says that the
// sign-in was refused, or that a page could not be had.
func (b *Browser) Approve(ctx context.Context, authorizeURL string) (*Page, error) {
	page, _, err := b.travel(ctx, authorizeURL, approve, nil)
	return page, err
}

// Deny is as [Browser.Approve], but presses Deny. Where GitLab does not ask for
// consent there is nothing to deny.
func (b *Browser) Deny(ctx context.Context, authorizeURL string) (*Page, error) {
	page, _, err := b.travel(ctx, authorizeURL, deny, nil)
	return page, err
}

// EnterCode opens the page of a device sign-in (RFC 8628, section 3.3), signs in if
// asked, types the code that the device shows, and presses Authorize.
func (b *Browser) EnterCode(ctx context.Context, verificationURI, userCode string) (*Page, error) {
	b.userCode = userCode
	return b.Approve(ctx, verificationURI)
}

// EnterCodeAndDeny is as [Browser.EnterCode], but presses Deny.
func (b *Browser) EnterCodeAndDeny(ctx context.Context, verificationURI, userCode string) (*Page, error) {
	b.userCode = userCode
	return b.Deny(ctx, verificationURI)
}

// Open goes to a page and through its redirects, and stops at the first that
// wants a person: it fills in no form.
func (b *Browser) Open(ctx context.Context, address string) (*Page, error) {
	page, _, err := b.travel(ctx, address, leave, nil)
	return page, err
}

// ApproveUntilCallback is as [Browser.Approve], but does not go to the redirect
// URI: it returns the URL, of whatever scheme and host, that the browser would be
// sent to. It is an error if that does not happen.
func (b *Browser) ApproveUntilCallback(ctx context.Context, authorizeURL string) (string, error) {
	return b.untilCallback(ctx, authorizeURL, approve)
}

// DenyUntilCallback is as [Browser.ApproveUntilCallback], but presses Deny.
func (b *Browser) DenyUntilCallback(ctx context.Context, authorizeURL string) (string, error) {
	return b.untilCallback(ctx, authorizeURL, deny)
}

func (b *Browser) untilCallback(ctx context.Context, authorizeURL string, press choice) (string, error) {
	start, err := url.Parse(authorizeURL)
	if err != nil {
		return "", errors.New("the authorize URL is not a URL")
	}
	callback, err := url.Parse(start.Query().Get("redirect_uri"))
	if err != nil || callback.Scheme == "" {
		return "", errors.New("the authorize URL has no redirect URI")
	}
	page, target, err := b.travel(ctx, authorizeURL, press, callback)
	switch {
	case err != nil:
		return "", err
	case target == "":
		return "", fmt.Errorf("the browser was not sent back; it ended on the page %q with status %d", page.Title, page.Status)
	}
	return target, nil
}

// travel goes from page to page until there is nothing more to follow, or until
// it would go to the callback, which it then returns.
func (b *Browser) travel(ctx context.Context, start string, press choice, callback *url.URL) (*Page, string, error) {
	at, err := url.Parse(start)
	if err != nil || !isWeb(at) {
		return nil, "", errors.New("a browser opens only http and https URLs")
	}
	signedIn := false
	next := &request{method: http.MethodGet, url: at}
	for range maxSteps {
		page, err := b.load(ctx, next)
		if err != nil {
			return nil, "", err
		}
		doc := parsePage(page)
		page.Title = doc.title
		if target := doc.target; target != nil {
			if callback != nil && sameEndpoint(target, callback) {
				return page, target.String(), nil
			}
			if !isWeb(target) {
				return page, "", nil
			}
			next = &request{method: http.MethodGet, url: target}
			continue
		}
		switch form := doc.form("user_login", ""); {
		case press == leave:
			return page, "", nil
		case form != nil && signedIn:
			return page, "", fmt.Errorf("the sign-in as %s was refused", b.username)
		case form != nil:
			signedIn = true
			form.values.Set("user[login]", b.username)
			form.values.Set("user[password]", b.password)
			next = form.request()
		case b.userCode != "" && doc.form("user_code", "") != nil:
			next = doc.form("user_code", "").with("user_code", b.userCode).request()
			b.userCode = "" // typed once: where it is wrong, the person stops
		default:
			consent := doc.form("", string(press))
			if consent == nil {
				return page, "", nil
			}
			next = consent.request()
		}
	}
	return nil, "", fmt.Errorf("more than %d redirects", maxSteps)
}

// A request is what the browser asks for next.
type request struct {
	method string
	url    *url.URL
	form   url.Values
}

// load gets one page. Its errors do not repeat the URL, which may hold a code.
func (b *Browser) load(ctx context.Context, r *request) (*Page, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), strings.NewReader(r.form.Encode()))
	if err != nil {
		return nil, errors.New("the URL is malformed")
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	req.Header.Set("User-Agent", "Mozilla/5.0 (providertest)")
	if r.method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", r.url.Scheme+"://"+r.url.Host)
	} else {
		req.Body, req.ContentLength = nil, 0
	}
	resp, err := b.client.Do(req)
	var failure *url.Error
	if errors.As(err, &failure) {
		err = failure.Err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.url.Host, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.url.Host, err)
	}
	return &Page{URL: r.url.String(), Status: resp.StatusCode, Header: resp.Header, Body: string(body)}, nil
}

func isWeb(u *url.URL) bool { return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" }

// sameEndpoint reports whether two URLs are the same but for their queries.
func sameEndpoint(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Host == b.Host && a.Opaque == b.Opaque && a.EscapedPath() == b.EscapedPath()
}
