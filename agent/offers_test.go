package agent

import (
	"context"
	"errors"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

func TestOneQuestionServesAllWhoWait(t *testing.T) {
	var o offers
	in := team.Instance{Instance: store.Instance{ID: "https://gitlab.example.com", ClientID: "1", Name: "One"}, Folder: "/folder"}
	renamed, changed := in, in
	renamed.Name, changed.ClientID = "Another name", "2"
	first, isNew := o.join(t.Context(), in)
	if !isNew || !o.wasAsked(in) {
		t.Error("the first question is not asked")
	}
	if q, isNew := o.join(t.Context(), renamed); q != first || isNew {
		t.Error("another name is another question")
	}
	if q, isNew := o.join(t.Context(), changed); q == first || !isNew {
		t.Error("another application is no other question")
	}
	o.leave(first)
	if first.ctx.Err() != nil {
		t.Error("the question is withdrawn, though somebody waits for the answer")
	}
	o.settle(first, protocol.Untrusted)
	if <-first.settled; !errors.Is(first.err, protocol.Untrusted) { // as both of them hear
		t.Errorf("the answer is %v", first.err)
	}
	if q, isNew := o.join(t.Context(), in); q == first || !isNew {
		t.Error("a question that was answered is joined")
	}
}

func TestAQuestionThatNobodyWaitsForIsWithdrawn(t *testing.T) {
	var o offers
	in := team.Instance{Instance: store.Instance{ID: "https://gitlab.example.com"}, Folder: "/folder"}
	q, _ := o.join(t.Context(), in)
	o.leave(q)
	if !errors.Is(q.ctx.Err(), context.Canceled) {
		t.Error("it stays open")
	}
	later, isNew := o.join(t.Context(), in)
	if later == q || !isNew {
		t.Error("it is joined afterwards")
	}
	o.settle(q, nil) // which takes nothing from the later one
	if joined, isNew := o.join(t.Context(), in); joined != later || isNew {
		t.Error("the later question is gone with it")
	}
}
