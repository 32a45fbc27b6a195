package auth

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

var (
	// errOutOfTime ends the wait for a user who has not entered the code.
	errOutOfTime = errors.New("auth: the code was not entered in time")

	// errGone says that the caller has gone before the answer came.
	errGone = errors.New("auth: the wait has ended")
)

// poll asks for the tokens until the user has decided, or the wait has ended. Its
// errors are GitLab's, ctx's cause, and errOutOfTime, which comes with the last
// failure where GitLab could not be asked.
func (m *Manager) poll(ctx context.Context, app *application, d device) (grant, error) {
	pace := pace{interval: d.interval}
	wait, failure := d.interval, error(nil)
	for {
		select {
		case <-m.After(wait):
		case <-m.closing:
			return grant{}, context.Canceled
		case <-ctx.Done():
			return grant{}, endOf(ctx, failure)
		}
		g, err := m.pollOnce(ctx, app, d)
		if errors.Is(err, errGone) {
			return grant{}, endOf(ctx, failure)
		}
		next, goOn := pace.after(err)
		if !goOn {
			return g, err
		}
		m.Log.Debug("the user has not decided yet", "instance", app.instance, "error", err, "again", next)
		wait, failure = next, nil
		if pace.backOff > 0 {
			failure = err
		}
	}
}

// endOf says why the wait has ended.
func endOf(ctx context.Context, failure error) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, errOutOfTime) {
		return errors.Join(cause, failure)
	}
	return cause
}

// pollOnce asks once. What is sent is not cut off with ctx, since it may bring the
// tokens, and only once; but the caller does not wait for a server that hangs. The
// tokens are handed over, or revoked where nobody takes them.
func (m *Manager) pollOnce(ctx context.Context, app *application, d device) (grant, error) {
	type result struct {
		grant
		error
	}
	taken := make(chan result)
	left := make(chan struct{})
	defer close(left)
	started := m.work.Go(func() {
		sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), providers.Timeout)
		defer cancel()
		r := result{error: errPanicked}
		defer func() { // also where it panics: somebody waits
			if r.error != nil && !r.access.IsEmpty() { // tokens that cannot be used
				m.discard(sending, app, r.grant)
			}
			select {
			case taken <- r:
			case <-left:
				if r.error == nil {
					m.discard(sending, app, r.grant)
				}
			}
		}()
		r.grant, r.error = app.token(sending, url.Values{"grant_type": {deviceGrantType}, "device_code": {d.code.Reveal()}})
	})
	if !started { // the process is about to end
		return grant{}, context.Canceled
	}
	select {
	case r := <-taken:
		return r.grant, r.error
	case <-m.closing:
		return grant{}, context.Canceled
	case <-ctx.Done():
		return grant{}, errGone
	}
}

// pace says when to ask again (RFC 8628 section 3.5).
type pace struct {
	interval time.Duration // what GitLab asks for: it is obeyed, however long
	backOff  time.Duration // doubles while GitLab cannot be asked; 0: it could
}

// after returns how long to wait after an answer, or false where it is the last.
func (p *pace) after(err error) (wait time.Duration, goOn bool) {
	var told *protocol.Error
	switch {
	case errors.Is(err, errPending), errors.Is(err, errSlow):
		if errors.Is(err, errSlow) {
			p.interval += slowDown
		}
		p.backOff = 0
		return p.interval, true
	case errors.As(err, &told) && passes(told):
		p.backOff = max(p.interval, min(2*max(p.backOff, p.interval), maxBackOff))
		return max(p.backOff, told.RetryAfter), true
	}
	return 0, false
}

// passes reports whether an error says nothing of the code, and may be gone soon.
func passes(e *protocol.Error) bool {
	return e.Code == protocol.HostUnreachable || e.Code == protocol.RateLimited || e.Status >= 500
}
