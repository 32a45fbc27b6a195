package providers

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxRequestID bounds the name that a host gives to a request, in bytes.
const maxRequestID = 64

// logged is a RoundTripper that logs each exchange at the level debug, with the
// name under which the host's administrator finds it in GitLab's log
// (https://docs.gitlab.com/administration/logs/tracing_correlation_id/). No header,
// body or value of a parameter is logged.
type logged struct {
	http.RoundTripper
	log *slog.Logger
}

func (l logged) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if !l.log.Enabled(ctx, slog.LevelDebug) {
		return l.RoundTripper.RoundTrip(req)
	}
	log := l.log.With("method", req.Method, "url", withoutValues(req.URL))
	began := time.Now()
	resp, err := l.RoundTripper.RoundTrip(req)
	if err != nil {
		log.DebugContext(ctx, "an HTTP exchange failed", "took", took(began), "error", err)
		return nil, err
	}
	resp.Body = &countedBody{ReadCloser: resp.Body, done: func(bytes int64) {
		log.DebugContext(ctx, "an HTTP exchange", "status", resp.StatusCode, "took", took(began), "bytes", bytes,
			"requestId", Shorten(resp.Header.Get("X-Request-Id"), maxRequestID))
	}}
	return resp, nil
}

func took(began time.Time) time.Duration { return time.Since(began).Round(time.Microsecond) }

// withoutValues returns a URL with the names of its parameters only.
func withoutValues(u *url.URL) string {
	plain := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	plain.RawQuery = strings.Join(slices.Sorted(maps.Keys(u.Query())), "&")
	return plain.String()
}

// countedBody tells at its end how many bytes were read.
type countedBody struct {
	io.ReadCloser
	bytes int64
	once  sync.Once
	done  func(bytes int64)
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.bytes += int64(n)
	return n, err
}

func (b *countedBody) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(func() { b.done(b.bytes) })
	return err
}
