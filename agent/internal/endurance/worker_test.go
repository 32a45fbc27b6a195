package endurance

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// A worker has one agent after the other, each of which is killed. It alone
// configures its instance and signs users in and out there, so that it knows
// what has to be.
type worker struct {
	*site
	others []*site
	random *rand.Rand
	tally  figures
	names  int // that were given to the instance
	failed int // refreshes that asked for a new sign-in after a kill
	busy   int // answers that the store was busy

	acknowledged model
	// underWay is where the operation was to lead in whose middle the last agent
	// was killed; acknowledged where there was none.
	underWay model
}

// live is the life of one agent.
func (w *worker) live(t *testing.T) error {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	agent := launch(t, w.dir)
	if err := agent.greet(ctx); err != nil {
		return err
	}
	if err := w.check(ctx, agent); err != nil {
		return err
	}
	for range w.random.IntN(8) {
		if err := w.perform(ctx, agent, w.choose()); err != nil {
			return err
		}
	}
	return w.kill(ctx, agent, w.choose())
}

// check holds a fresh agent to the model, and takes over what has become of the
// operation that was under way.
func (w *worker) check(ctx context.Context, agent *window) error {
	status, err := w.status(ctx, agent)
	if err != nil {
		return err
	}
	found := observe(w.URL(), status)
	if err := found.between(w.acknowledged, w.underWay); err != nil {
		w.tally.lost++
		return fmt.Errorf("LOST: %w", err)
	}
	w.acknowledged, w.underWay = found, found
	return w.sound(ctx, agent)
}

func (w *worker) status(ctx context.Context, agent *window) (status protocol.StatusResult, err error) {
	err = w.patiently(func() error {
		status, err = call(ctx, agent, protocol.Status, protocol.StatusParams{})
		return err
	})
	if err != nil {
		err = fmt.Errorf("status: %w", err)
	}
	return status, err
}

// patiently tries again where the store is busy, as the agent's hint says: a
// machine that is busy itself may take more than the store's three seconds. A
// lock that somebody who was killed has left would last until the test has lost
// patience.
func (w *worker) patiently(do func() error) error {
	for {
		err := do()
		if !errors.Is(err, protocol.StoreBusy) {
			return err
		}
		w.busy++
	}
}

// sound lets the agent refresh the tokens of every account. That takes the
// account's lock, which must be free or get so, and tokens that work, but where
// the account's last agent was killed over them.
func (w *worker) sound(ctx context.Context, agent *window) error {
	want, doubtful := protocol.StateSignedOut, false
	for _, user := range w.acknowledged.users() {
		op := refreshing(w.site, user)
		uses := op.begin(false)
		err := w.patiently(func() error { return op.run(ctx, agent, func(stage) {}) })
		doubtful = doubtful || uses[0].inDoubt()
		switch {
		case err == nil:
			want = protocol.StateSignedIn
		case errors.Is(err, protocol.SignInRequired) && want == protocol.StateSignedOut:
			want = protocol.StateSignInRequired
		}
		if err := w.settle(op, uses, err); err != nil {
			return err
		}
	}
	status, err := w.status(ctx, agent)
	if err != nil {
		return err
	}
	for _, in := range status.Instances {
		if in.ID == w.URL() && in.Auth.State != want && !doubtful {
			return fmt.Errorf("%v is %q, want %q", w.acknowledged, in.Auth.State, want)
		}
	}
	return nil
}

// begin notes which tokens the operation takes or changes.
func (op operation) begin(doomed bool) (uses []*use) {
	for _, user := range op.users {
		uses = append(uses, op.site.begin(user, doomed))
	}
	return uses
}

// perform lets an agent do something from beginning to end.
func (w *worker) perform(ctx context.Context, agent *window, op operation) error {
	uses := op.begin(false)
	run := func() error { return op.run(ctx, agent, func(stage) {}) }
	if op.after == nil {
		return w.settle(op, uses, w.patiently(run))
	}
	err := run()
	if errors.Is(err, protocol.StoreBusy) { // in the middle of it, perhaps
		w.busy++
		w.cutOff(op, uses)
		return w.check(ctx, agent)
	}
	return w.settle(op, uses, err)
}

// cutOff notes that an operation came to an end of which nobody can tell how far
// it had got.
func (w *worker) cutOff(op operation, uses []*use) {
	for _, u := range uses {
		u.cutOff()
	}
	if op.after != nil {
		w.underWay = *op.after
	}
}

// settle takes over what was answered to an operation.
func (w *worker) settle(op operation, uses []*use, err error) error {
	doubtful := slices.ContainsFunc(uses, (*use).inDoubt)
	for _, u := range uses {
		u.end(err == nil && (op.renews || u.expired))
	}
	switch {
	case err == nil && op.after != nil:
		w.acknowledged, w.underWay = *op.after, *op.after
		w.tally.acknowledged++
	case err == nil:
		if uses[0].expired {
			w.tally.acknowledged++
		}
	case op.site != w.site && mayFailElsewhere(err):
	case op.after == nil && errors.Is(err, protocol.SignInRequired) && doubtful:
		w.failed++
	case op.after == nil && errors.Is(err, protocol.SignInRequired):
		w.tally.lost++
		return fmt.Errorf("LOST: %s at %v: %w", op.name, w.acknowledged, err)
	default:
		return fmt.Errorf("%s at %v: %w", op.name, w.acknowledged, err)
	}
	return nil
}

// kill lets an agent do something, and kills it meanwhile, or just after.
func (w *worker) kill(ctx context.Context, agent *window, op operation) error {
	at, after := stage(w.random.IntN(op.stages)), w.delay()
	uses := op.begin(true)
	// A timer, since the kill has to come at a moment that nothing in the
	// conversation tells.
	var timer *time.Timer
	err := op.run(ctx, agent, func(reached stage) {
		if reached == at {
			timer = time.AfterFunc(after, agent.Kill)
		}
	})
	if timer == nil {
		agent.Kill()
	}
	<-agent.Done()
	agent.kill()
	w.tally.kills++
	var answered *sessiontest.ResponseError
	if err == nil || errors.As(err, &answered) && !errors.Is(err, protocol.StoreBusy) {
		return w.settle(op, uses, err)
	}
	w.tally.underWay++
	w.cutOff(op, uses)
	return nil
}

// delay draws how long after a point in the conversation the agent is killed: as
// often from 20 to 40 microseconds as from 20 to 40 milliseconds, and all that
// is between, since the steps of an operation are of all these lengths.
func (w *worker) delay() time.Duration {
	const least, doublings = 20 * time.Microsecond, 11
	return time.Duration(float64(least) * math.Exp2(w.random.Float64()*doublings))
}
