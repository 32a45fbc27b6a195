package providers

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// MaxBody is the size in bytes of the largest answer that is read.
const MaxBody = 32 << 20

// ReadBody reads an answer up to limit bytes, and tells whether it was longer.
func ReadBody(resp *http.Response, limit int64) (body []byte, tooLong bool, err error) {
	body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if int64(len(body)) > limit {
		return body[:limit], true, err
	}
	return body, false, err
}

// IsJSON reports whether the headers announce JSON.
func IsJSON(h http.Header) bool {
	media := MediaType(h)
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// IsHTML reports whether the headers announce a web page.
func IsHTML(h http.Header) bool { return MediaType(h) == "text/html" }

// MediaType returns the media type without parameters, in lower case.
func MediaType(h http.Header) string {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	return media
}

// maxRetryAfter is the longest pause that is told of. A longer one is a mistake,
// and would overflow where it is counted.
const maxRetryAfter = 365 * 24 * time.Hour

// RetryAfter reads the header of that name: seconds or a date (RFC 9110 section
// 10.2.3). It returns 0 where there is none.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return min(at.Sub(now), maxRetryAfter)
	}
	return 0
}

// ServerError turns an answer into the errors that mean the same whatever was
// asked: RateLimited, GitLabError for a server that is in trouble, NotGitLab for
// what is not JSON, and HostUnreachable where a proxy or a gateway says what is in
// the way. body is what was read of the answer's. It returns nil for any other
// answer.
func ServerError(instance string, status int, header http.Header, body []byte) *protocol.Error {
	if e := inTheWay(instance, status, header, body); e != nil {
		e.Status = status
		return e
	}
	e := &protocol.Error{Instance: instance, Status: status}
	switch {
	case status == http.StatusTooManyRequests:
		e.Code = protocol.RateLimited
		e.RetryAfter = RetryAfter(header, time.Now())
		e.Message = "GitLab asks to slow down"
		e.Hint = "Try again later. An administrator can raise the limit under Admin > Settings > Network."
	case status >= 500:
		e.Code = protocol.GitLabError
		e.Message = "GitLab answered " + StatusText(status)
		e.Hint = "Try again. If it goes on, the administrator finds the cause in GitLab's logs" + requestID(header) + "."
	case status < 400 || !IsJSON(header):
		return NotGitLab(instance, status, header)
	default:
		return nil
	}
	return e
}

// StatusText returns a status with its name, such as "502 Bad Gateway".
func StatusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

func requestID(header http.Header) string {
	if id := header.Get("X-Request-Id"); id != "" && len(id) <= 64 {
		return " under the request ID " + Shorten(id, 64)
	}
	return ""
}

// Shorten makes a stranger's words fit for a message: at most limit bytes, cut
// between characters, without what is not to be seen, such as control characters
// and those that turn the direction of writing.
func Shorten(text string, limit int) string {
	var short strings.Builder
	for _, r := range text {
		if !unicode.IsPrint(r) {
			r = ' '
		}
		if short.Len()+utf8.RuneLen(r) > limit {
			return short.String() + "…"
		}
		short.WriteRune(r)
	}
	return short.String()
}
