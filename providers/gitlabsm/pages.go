package gitlabsm

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

const (
	// perPage is the most that GitLab gives on one page.
	perPage = 100
	// sideBySide bounds how many pages are asked for at once.
	sideBySide = 4
	// maxPages bounds one call, and with it the load on GitLab.
	maxPages = 1000
	// maxWait is how long a 429 may ask to wait before it is handed to the editor.
	maxWait = 10 * time.Second
)

// allPages follows pagination (https://docs.gitlab.com/api/rest/#pagination):
// pages side by side where GitLab says how many there are, else link by link.
func (h host) allPages(ctx context.Context, r request) (protocol.CallAPIResult, error) {
	query := r.url.Query()
	if query.Get("per_page") == "" {
		query.Set("per_page", strconv.Itoa(perPage))
		r.url.RawQuery = query.Encode()
	}
	collected := &pages{instance: h.instance}
	first, err := h.page(ctx, r)
	if err != nil {
		return protocol.CallAPIResult{}, err
	}
	if err := collected.put(1, first); err != nil {
		return protocol.CallAPIResult{}, err
	}
	if total, err := strconv.Atoi(first.Headers["x-total-pages"]); err == nil && query.Get("page") == "" && query.Get("pagination") == "" {
		err = h.numberedPages(ctx, r, total, collected)
		if err != nil {
			return protocol.CallAPIResult{}, err
		}
	} else if err := h.linkedPages(ctx, r, first, collected); err != nil {
		return protocol.CallAPIResult{}, err
	}
	return collected.result(first)
}

func (h host) numberedPages(ctx context.Context, r request, total int, into *pages) error {
	if total > maxPages {
		return tooLarge(h.instance)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for number := 2; number <= total; number++ {
		group.Go(func() error {
			next := r
			next.url = withPage(r.url, number)
			result, err := h.page(ctx, next)
			if err != nil {
				return err
			}
			return into.put(number, result)
		})
	}
	return group.Wait()
}

func withPage(u *url.URL, number int) *url.URL {
	query := u.Query()
	query.Set("page", strconv.Itoa(number))
	next := *u
	next.RawQuery = query.Encode()
	return &next
}

func (h host) linkedPages(ctx context.Context, r request, last protocol.CallAPIResult, into *pages) error {
	for number := 2; ; number++ {
		next := nextLink(r.url, last.Headers["link"])
		if next == nil {
			return nil
		}
		if number > maxPages {
			return tooLarge(h.instance)
		}
		r.url = next
		result, err := h.page(ctx, r)
		if err != nil {
			return err
		}
		if err := into.put(number, result); err != nil {
			return err
		}
		last = result
	}
}

var linkNext = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`<([^<>]+)>\s*;\s*rel=(?:"next"|next\b)`) })

// nextLink returns the query of the next page on the URL that was asked: GitLab
// writes its own address into links, which need not be the one that we reach.
func nextLink(asked *url.URL, link string) *url.URL {
	found := linkNext().FindStringSubmatch(link)
	if found == nil {
		return nil
	}
	target, err := asked.Parse(found[1])
	if err != nil {
		return nil
	}
	next := *asked
	next.RawQuery = target.Query().Encode() // a space in it would end the request line
	if next.RawQuery == asked.RawQuery {
		return nil
	}
	return &next
}

// page asks for one page, and waits once where GitLab asks for a short pause.
func (h host) page(ctx context.Context, r request) (protocol.CallAPIResult, error) {
	result, err := h.do(ctx, r)
	var limited *protocol.Error
	if !errors.Is(err, protocol.RateLimited) || !errors.As(err, &limited) || limited.RetryAfter > maxWait {
		return result, err
	}
	select {
	case <-time.After(limited.RetryAfter):
		return h.do(ctx, r)
	case <-ctx.Done():
		return protocol.CallAPIResult{}, ctx.Err()
	}
}

// pages collects the items of each page.
type pages struct {
	instance string

	mu       sync.Mutex // guards what follows
	byNumber map[int][]json.RawMessage
	size     int
}

func (p *pages) put(number int, result protocol.CallAPIResult) error {
	var items []json.RawMessage
	if json.Unmarshal(result.Body, &items) != nil {
		return invalid("allPages goes with a path that answers with a list; this one does not")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byNumber == nil {
		p.byNumber = make(map[int][]json.RawMessage)
	}
	p.byNumber[number] = items
	if p.size += len(result.Body); p.size > providers.MaxBody {
		return tooLarge(p.instance)
	}
	return nil
}

// result joins the pages in order. The headers are the first page's.
func (p *pages) result(first protocol.CallAPIResult) (protocol.CallAPIResult, error) {
	all := []json.RawMessage{}
	for number := 1; number <= len(p.byNumber); number++ {
		all = append(all, p.byNumber[number]...)
	}
	body, err := json.Marshal(all)
	return protocol.CallAPIResult{Status: http.StatusOK, Headers: first.Headers, Body: body}, err
}
