package work_test

import (
	"context"
	"errors"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/work"
)

func TestOneQuestionServesAllWhoWait(t *testing.T) {
	var all work.Questions[string, int]
	first, isNew := all.Join(t.Context(), "a")
	if !isNew {
		t.Error("the first question is not asked")
	}
	if q, isNew := all.Join(t.Context(), "a"); q != first || isNew {
		t.Error("the second who wants to know asks again")
	}
	if q, isNew := all.Join(t.Context(), "b"); q == first || !isNew || len(all.Open()) != 2 {
		t.Error("another key is no other question")
	}
	if all.Leave(first) || first.Context.Err() != nil {
		t.Error("the question is withdrawn, though somebody waits for the answer")
	}
	all.Settle(first, 42)
	if <-first.Settled; first.Answer != 42 { // as both of them hear
		t.Errorf("the answer is %d", first.Answer)
	}
	if !all.Leave(first) {
		t.Error("somebody still waits for what is answered")
	}
	if q, isNew := all.Join(t.Context(), "a"); q == first || !isNew {
		t.Error("a question that was answered is joined")
	}
}

func TestAQuestionThatNobodyWaitsForIsWithdrawn(t *testing.T) {
	var all work.Questions[string, int]
	q, _ := all.Join(t.Context(), "a")
	if !all.Leave(q) || !errors.Is(q.Context.Err(), context.Canceled) || len(all.Open()) != 0 {
		t.Error("it stays open")
	}
	later, isNew := all.Join(t.Context(), "a")
	if later == q || !isNew {
		t.Error("it is joined afterwards")
	}
	all.Settle(q, 1) // which takes nothing from the later one
	if joined, isNew := all.Join(t.Context(), "a"); joined != later || isNew {
		t.Error("the later question is gone with it")
	}
}

// Who waits for a question that is withdrawn hears when it has come to its end.
func TestAQuestionIsWithdrawnWhileSomebodyWaits(t *testing.T) {
	var all work.Questions[string, int]
	q, _ := all.Join(t.Context(), "a")
	all.Withdraw(q)
	if q.Context.Err() == nil || len(all.Open()) != 0 {
		t.Error("it stays open")
	}
	select {
	case <-q.Settled:
		t.Error("it has an answer before whoever asks it has one")
	default:
	}
	all.Settle(q, 2)
	if <-q.Settled; q.Answer != 2 {
		t.Errorf("the answer is %d", q.Answer)
	}
}
