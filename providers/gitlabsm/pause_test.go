package gitlabsm_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// limited answers the requests for which refuse is true with 429.
func limited(retryAfter string, refuse func(n int32) bool, requests *atomic.Int32) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if refuse(requests.Add(1)) {
			if retryAfter != "" {
				w.Header().Set("Retry-After", retryAfter)
			}
			http.Error(w, "Retry later", http.StatusTooManyRequests)
			return
		}
		list(10).page(w, r, true)
	}
}

func first(n int32) bool  { return n == 1 }
func third(n int32) bool  { return n == 3 }
func always(n int32) bool { return n > 2 }

func TestPagesGoOnAfterA429(t *testing.T) {
	for name, c := range map[string]struct {
		retryAfter string
		refuse     func(int32) bool
	}{
		"at the first":      {"0", first},
		"in the middle":     {"0", third},
		"not saying when":   {"", third},
		"said to have been": {"Wed, 21 Oct 2015 07:28:00 GMT", third},
		"not understood":    {"soon", third},
	} {
		var requests atomic.Int32
		got, err := call(t, allOf("/x?per_page=1"), limited(c.retryAfter, c.refuse, &requests))
		if wantNumbers(t, name, got, err, 1, 10); requests.Load() != 11 {
			t.Errorf("%s: %d requests", name, requests.Load())
		}
	}
}

// Each page is asked for again once: there is no loop.
func TestPagesEndAtASecond429(t *testing.T) {
	var requests atomic.Int32
	_, err := call(t, allOf("/x?per_page=1"), limited("0", always, &requests))
	wantCode(t, "always", err, protocol.RateLimited)
	if n := requests.Load(); n > 2+2*4 {
		t.Errorf("%d requests", n)
	}
}

// A call of one page is not asked for again: the editor is told to wait.
func TestCallIsNotRepeatedAfterA429(t *testing.T) {
	var requests atomic.Int32
	_, err := call(t, protocol.CallAPIParams{Path: "/x"}, limited("0", first, &requests))
	if wantCode(t, "one page", err, protocol.RateLimited); requests.Load() != 1 {
		t.Errorf("%d requests", requests.Load())
	}
}

// inBubble is the API of a GitLab without a network, for tests whose clock is
// not the real one.
func inBubble(handler http.HandlerFunc) providers.Host {
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		recorder := httptest.NewRecorder()
		handler(recorder, r)
		answer := recorder.Result()
		answer.Request = r
		return answer, nil
	})
	return gitlabsm.Provider{}.Host("http://gitlab.invalid", providers.NewClient(transport, ""))
}

// The clock of the bubble jumps, so the waiting is exact and costs no time.
func TestRetryAfterIsHonoured(t *testing.T) {
	for _, c := range []struct {
		retryAfter string
		wait       time.Duration
		code       protocol.Code
	}{
		{"1", time.Second, 0},
		{"10", 10 * time.Second, 0},
		{"Sat, 01 Jan 2000 00:00:07 GMT", 7 * time.Second, 0}, // a bubble begins at midnight
		{"11", 0, protocol.RateLimited},
		{"99999999999999999999", 0, 0},
		{"9999999999999999", 0, protocol.RateLimited},
		{"Fri, 31 Dec 9999 00:00:00 GMT", 0, protocol.RateLimited},
	} {
		synctest.Test(t, func(t *testing.T) {
			var requests atomic.Int32
			host := inBubble(limited(c.retryAfter, third, &requests))
			begin := time.Now()
			got, err := host.Call(t.Context(), allOf("/x?per_page=1"))
			if c.code == 0 {
				wantNumbers(t, c.retryAfter, got, err, 1, 10)
			} else if e := wantCode(t, c.retryAfter, err, c.code); e.Data().RetryAfterSeconds < 11 {
				t.Errorf("%s: retry after %d s", c.retryAfter, e.Data().RetryAfterSeconds)
			}
			if waited := time.Since(begin); waited != c.wait {
				t.Errorf("%s: waited %v, want %v", c.retryAfter, waited, c.wait)
			}
		})
	}
}

// Pages come side by side, but four at most.
func TestPagesSideBySideAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var here atomic.Int32
		leave := make(chan struct{})
		host := inBubble(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("page") != "" {
				here.Add(1)
				<-leave
				here.Add(-1)
			}
			list(20).page(w, r, true)
		})
		go func() {
			for left := 19; left > 0; left-- {
				synctest.Wait() // until nobody can go on
				if n := int(here.Load()); n != min(left, 4) {
					t.Errorf("%d of %d pages at once", n, left)
				}
				leave <- struct{}{}
			}
		}()
		got, err := host.Call(t.Context(), allOf("/x?per_page=1"))
		wantNumbers(t, "twenty", got, err, 1, 20)
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int32
		host := inBubble(limited("9", third, &requests))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		begin := time.Now()
		_, err := host.Call(ctx, allOf("/x?per_page=1"))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 2*time.Second {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
	})
}

// A date is what some proxies send; what is told is how long to wait from now.
func TestRateLimitWithADate(t *testing.T) {
	at := time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat)
	_, err := call(t, protocol.CallAPIParams{Path: "/x"}, sends(429, "Retry later", "Retry-After", at, "Content-Type", "text/plain"))
	e := wantCode(t, "date", err, protocol.RateLimited)
	if e.RetryAfter > 2*time.Minute || e.RetryAfter < time.Minute || !strings.Contains(e.Hint, "limit") {
		t.Errorf("retry after %v, hint %q", e.RetryAfter, e.Hint)
	}
}
