package sessiontest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/protocol/script"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// A browsing is a browser on its way to its final page.
type browsing struct {
	done chan struct{}
	page *providertest.Page
	err  error
}

// browse sends a browser off, whose page a later step looks at.
func (w *world) browse(travel func(context.Context) (*providertest.Page, error)) {
	b := &browsing{done: make(chan struct{})}
	w.pending = append(w.pending, b)
	w.browsers.Go(func() {
		defer close(b.done)
		b.page, b.err = travel(w.ctx)
	})
}

// join waits for the page of the first browser that nobody has looked at.
func (w *world) join(ctx context.Context) (*providertest.Page, error) {
	if len(w.pending) == 0 {
		return nil, errors.New("no browser is under way")
	}
	b := w.pending[0]
	select {
	case <-b.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("the browser has no page yet: %w", context.Cause(ctx))
	}
	w.pending = w.pending[1:]
	if b.err == nil {
		w.page = b.page
		w.pages = append(w.pages, b.page)
	}
	return b.page, b.err
}

// joinBrowsers waits for all browsers at the end of a script.
func (w *world) joinBrowsers(ctx context.Context) error {
	for len(w.pending) > 0 {
		if _, err := w.join(ctx); err != nil {
			return fmt.Errorf("the browser: %w", err)
		}
	}
	return nil
}

func parseBrowser(words *script.Words) action {
	switch verb := words.Word("what the browser does"); verb {
	case "approves", "denies":
		user := ""
		if !words.Empty() && !words.IsNext("until") {
			user = words.Word("the user")
		}
		until := !words.Empty()
		if until {
			words.Expect("until", "callback")
		}
		return func(ctx context.Context, s *session) error { return s.consent(ctx, verb == "approves", user, until) }
	case "enters":
		words.Expect("the", "code")
		user := ""
		if !words.Empty() && !words.IsNext("and") {
			user = words.Word("the user")
		}
		denies := !words.Empty()
		if denies {
			words.Expect("and", "denies")
		}
		return func(_ context.Context, s *session) error { return s.enterCode(user, !denies) }
	case "opens":
		address := words.Word("the URL")
		return func(_ context.Context, s *session) error {
			s.world.browse(func(ctx context.Context) (*providertest.Page, error) {
				return providertest.NewBrowser("", "", nil).Open(ctx, address)
			})
			return nil
		}
	case "calls":
		words.Expect("back")
		return parseCallback(words)
	default:
		words.Fail("a browser does not do %q", verb)
		return nil
	}
}

// consent follows the newest sign-in to GitLab and presses a button there.
func (s *session) consent(ctx context.Context, approve bool, user string, untilCallback bool) error {
	signIn, g, err := s.world.newestSignIn()
	if err != nil {
		return err
	}
	address := cmp.Or(signIn.AuthorizeURL, signIn.VerificationURIComplete)
	browser := g.browser(user)
	if untilCallback {
		stop := browser.DenyUntilCallback
		if approve {
			stop = browser.ApproveUntilCallback
		}
		callback, err := stop(ctx, address)
		s.vars["callbackUrl"] = callback
		return err
	}
	press := browser.Deny
	if approve {
		press = browser.Approve
	}
	s.world.browse(func(ctx context.Context) (*providertest.Page, error) { return press(ctx, address) })
	return nil
}

// enterCode opens the page of the newest sign-in on a device, types the code there,
// and presses a button.
func (s *session) enterCode(user string, approve bool) error {
	signIn, g, err := s.world.newestSignIn()
	if err != nil {
		return err
	}
	browser := g.browser(user)
	press := browser.EnterCodeAndDeny
	if approve {
		press = browser.EnterCode
	}
	s.world.browse(func(ctx context.Context) (*providertest.Page, error) {
		return press(ctx, signIn.VerificationURI, signIn.UserCode)
	})
	return nil
}

// newestSignIn returns the newest sign-in that a step has seen start, and where.
func (w *world) newestSignIn() (*protocol.DidStartAuthenticationParams, *gitlab, error) {
	if w.signIn == nil {
		return nil, nil, errors.New("no step has seen a sign-in start")
	}
	for _, g := range w.gitlabs {
		if g.URL() == w.signIn.Instance {
			return w.signIn, g, nil
		}
	}
	return nil, nil, fmt.Errorf("the sign-in is for %s, which is no gitlab of the setup", w.signIn.Instance)
}

// parseCallback reads [METHOD] [host NAME] [path PATH] [QUERY].
func parseCallback(words *script.Words) action {
	method, host, path := http.MethodGet, "", ""
	for _, other := range []string{"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"} {
		if words.Next(other) {
			method = other
		}
	}
	if words.Next("host") {
		host = words.Word("the host")
	}
	if words.Next("path") {
		path = words.Word("the path")
	}
	query := words.Optional()
	return func(_ context.Context, s *session) error {
		if s.world.signIn == nil {
			return errors.New("no step has seen a sign-in start")
		}
		target, err := url.Parse(s.world.signIn.RedirectURI)
		if err != nil {
			return err
		}
		if path != "" {
			target.Path = path
		}
		target.RawQuery = query
		s.world.browse(func(ctx context.Context) (*providertest.Page, error) {
			return fetch(ctx, method, target.String(), host)
		})
		return nil
	}
}

// fetch makes one request and follows where it leads, as a browser does.
func fetch(ctx context.Context, method, address, host string) (*providertest.Page, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	r.Host = host
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return &providertest.Page{URL: address, Status: resp.StatusCode, Header: resp.Header, Body: string(body)}, err
}

// parsePage reads what a step says of a browser's page.
func parsePage(words *script.Words) action {
	if words.Next("unreachable") {
		return func(ctx context.Context, s *session) error {
			if page, err := s.world.join(ctx); err == nil {
				return fmt.Errorf("the browser got a page with status %d", page.Status)
			}
			return nil
		}
	}
	if words.Next("header") {
		name, part := words.Word("the header"), words.Word("the substring")
		return func(ctx context.Context, s *session) (err error) {
			page := s.world.page
			if page == nil || len(s.world.pending) > 0 {
				if page, err = s.world.join(ctx); err != nil {
					return err
				}
			}
			if got := strings.Join(page.Header.Values(name), ", "); !strings.Contains(got, part) {
				return fmt.Errorf("the page's header %s is %q, want %q in it", name, got, part)
			}
			return nil
		}
	}
	status := words.Number("the status")
	var present, absent []string
	for words.More() {
		list := &present
		if words.Next("lacks") {
			list = &absent
		} else {
			words.Expect("contains")
		}
		*list = append(*list, words.Word("the text"))
		for words.More() && !words.IsNext("contains") && !words.IsNext("lacks") {
			*list = append(*list, words.Word("the text"))
		}
	}
	return func(ctx context.Context, s *session) error {
		page, err := s.world.join(ctx)
		if err != nil {
			return err
		}
		var wrong []error
		if page.Status != status {
			wrong = append(wrong, fmt.Errorf("the page's status is %d, want %d", page.Status, status))
		}
		for _, part := range present {
			if !strings.Contains(page.Body, part) {
				wrong = append(wrong, fmt.Errorf("the page lacks %q", part))
			}
		}
		for _, part := range absent {
			if strings.Contains(page.Body, part) {
				wrong = append(wrong, fmt.Errorf("the page contains %q", part))
			}
		}
		if wrong != nil {
			wrong = append(wrong, fmt.Errorf("the page:\n%s", clip(page.Body, maxShown)))
		}
		return errors.Join(wrong...)
	}
}
