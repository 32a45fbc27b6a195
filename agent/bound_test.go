package agent

import (
	"io"
	"log/slog"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/all"
)

func TestEveryMethodOfTheProtocolIsBound(t *testing.T) {
	a := New(Config{Providers: all.Providers(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	declared := make(map[string]bool)
	for _, d := range protocol.Declarations() {
		if d.Direction == protocol.ToEditor {
			continue
		}
		declared[d.Method] = true
		if _, ok := a.dispatcher.table[d.Method]; !ok {
			t.Errorf("%s is declared in package protocol and bound to nothing", d.Method)
		}
	}
	for method := range a.dispatcher.table {
		if !declared[method] {
			t.Errorf("%s is bound and not declared in package protocol", method)
		}
	}
}

func TestASecondBindingPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a method could be bound twice")
		}
	}()
	bound := make(table)
	bind(bound, protocol.Shutdown, (*Agent)(nil).shutdown)
	bind(bound, protocol.Shutdown, (*Agent)(nil).shutdown)
}
