//go:build soak

package endurance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// many is how many requests an editor has under way that has lost its mind.
const many = 10_000

// Each of the requests is answered once: with its result, or with the agent's
// own limit.
func TestSoakTenThousandRequestsUnderWay(t *testing.T) {
	measure(t, bounds{memory: 512 << 20, goroutines: many}, func(t *testing.T, start launcher) {
		ctx, p := within(t), signedInPlace(t)
		w := start(t, p.dir, nil)
		if err := w.greet(ctx); err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		p.SetFault(providertest.EndpointAPI, providertest.Fault{Hold: release})
		tally := newAnswerTally(w)
		for range many {
			if err := tally.ask(protocol.CallAPI.Method(), protocol.CallAPIParams{Instance: p.URL(), Account: accountOf["sam"], Path: "/version"}); err != nil {
				t.Fatal(err)
			}
		}
		// Whatever the answer to this one is: all before it have been read then.
		if err := tally.askLast(ctx); err != nil {
			t.Fatal(err)
		}
		close(release)
		refused, err := tally.wantAll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("of %d requests under way, %d were refused by the agent's own limit", many, refused)
		if _, err := call(ctx, w, protocol.CurrentUser, protocol.CurrentUserParams{Instance: p.URL(), Account: accountOf["sam"]}); err != nil {
			t.Errorf("after it all: %v", err)
		}
	})
}

// An answerTally sends requests by the thousand, and checks that each is answered
// once.
type answerTally struct {
	follower
	sent    int
	answers map[string]*sessiontest.Message // by id
}

func newAnswerTally(w *window) *answerTally {
	return &answerTally{follower: follower{w, len(w.Messages())}, answers: map[string]*sessiontest.Message{}}
}

func (a *answerTally) ask(method string, params any) error {
	a.sent++
	return a.window.Request(json.RawMessage(strconv.Itoa(a.sent)), method, params)
}

// take waits for the next answer.
func (a *answerTally) take(ctx context.Context) (id string, err error) {
	m, err := a.response(ctx)
	if err != nil {
		return "", fmt.Errorf("after %d of %d answers: %w", len(a.answers), a.sent, err)
	}
	if id = string(m.ID); a.answers[id] != nil {
		return "", fmt.Errorf("the request %s was answered twice: %s and %s", id, a.answers[id].Raw, m.Raw)
	}
	a.answers[id] = m
	return id, nil
}

// askLast asks for the status, and waits until that is answered or refused.
func (a *answerTally) askLast(ctx context.Context) error {
	if err := a.ask(protocol.Status.Method(), protocol.StatusParams{}); err != nil {
		return err
	}
	for {
		if id, err := a.take(ctx); err != nil || id == strconv.Itoa(a.sent) {
			return err
		}
	}
}

// wantAll waits for all answers that are missing, and returns how many requests
// were refused by the agent's own limit.
func (a *answerTally) wantAll(ctx context.Context) (refused int, err error) {
	for len(a.answers) < a.sent {
		if _, err := a.take(ctx); err != nil {
			return refused, err
		}
	}
	for _, m := range a.answers {
		switch {
		case m.Error == nil:
		case errors.Is(m.Error, protocol.RateLimited) && errorData(m.Error).RetryAfterSeconds > 0:
			refused++
		default:
			return refused, fmt.Errorf("the request %s was answered with %s", m.ID, m.Raw)
		}
	}
	return refused, nil
}
