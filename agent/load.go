package agent

import (
	"fmt"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	// maxRequests is how many requests may be under way at once, and
	// maxRequestBytes how large they may be together: room for two of the largest.
	maxRequests     = 1000
	maxRequestBytes = 2 * maxMessage

	// maxCalls is how many calls of the API are made at once. Their answers can be
	// large, and are kept until the editor has room for them.
	maxCalls = 16

	// overloadPause is when to come again: by then some will have been answered.
	overloadPause = time.Second
)

// load is what the editor has asked for and not been answered yet.
type load struct {
	mu       sync.Mutex // guards what follows
	requests int
	bytes    int
}

// take adds a request of that size, or refuses it: RateLimited.
func (l *load) take(size int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.requests >= maxRequests:
		return overloaded("%d requests are under way, and no more are taken until some are answered", maxRequests)
	case l.bytes+size > maxRequestBytes:
		return overloaded("the requests under way have %d MiB of parameters together, and no more are taken until some are answered", maxRequestBytes>>20)
	}
	l.requests++
	l.bytes += size
	return nil
}

// answered takes a request of that size off.
func (l *load) answered(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests--
	l.bytes -= size
}

func overloaded(format string, limit int) error {
	return &protocol.Error{
		Code:       protocol.RateLimited,
		Message:    fmt.Sprintf("the agent is busy: "+format, limit),
		Hint:       "Send this request again when others have been answered. This limit is the agent's, not GitLab's.",
		RetryAfter: overloadPause,
		Details:    &protocol.ErrorDetails{Cause: protocol.CauseAgent},
	}
}
