package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// logStart tells which program on which machine the log is of.
func (a *Agent) logStart() {
	a.log.Info("codestream-agent begins", "version", a.config.Version, "go", runtime.Version(),
		"platform", runtime.GOOS+"/"+runtime.GOARCH, "pid", os.Getpid(), "dataDir", a.config.DataDir)
}

// logByTrace logs as much as the editor wants to trace, and no less than the
// command line says.
func (a *Agent) logByTrace(trace protocol.TraceValue) {
	if a.config.LogLevel == nil {
		return
	}
	level := a.logLevel
	switch trace {
	case protocol.TraceMessages:
		level = min(level, slog.LevelInfo)
	case protocol.TraceVerbose:
		level = min(level, slog.LevelDebug)
	}
	a.config.LogLevel.Set(level)
}

// logAnswer logs that a request was answered. Its id is the one that it was sent
// with, as in JSON.
func (a *Agent) logAnswer(id, method string, took time.Duration, err error) {
	attrs := []any{"id", id, "method", method, "took", took.Round(time.Microsecond)}
	if err != nil {
		wire := wireError(err)
		attrs = append(attrs, "error", protocol.Code(wire.Code).Name(), "cause", wire.Message)
	}
	a.log.Debug("a request was answered", attrs...)
}

func (a *Agent) setTrace(_ context.Context, p protocol.SetTraceParams) {
	a.mu.Lock()
	a.trace = p.Value
	a.mu.Unlock()
	a.logByTrace(p.Value)
}

// logTrace logs that a request was answered, and tells the editor, if it wants to
// know.
func (a *Agent) logTrace(id, method string, took time.Duration, err error) {
	a.logAnswer(id, method, took, err)
	a.mu.Lock()
	trace, e := a.trace, a.client.editor
	a.mu.Unlock()
	if trace != protocol.TraceMessages && trace != protocol.TraceVerbose {
		return
	}
	line := protocol.LogTraceParams{Message: method + ": answered"}
	if err != nil {
		line.Message = method + ": " + protocol.Code(wireError(err).Code).Name()
	}
	if trace == protocol.TraceVerbose {
		line.Verbose = fmt.Sprintf("in %v", took.Round(time.Microsecond))
	}
	if err := tell(context.Background(), e, protocol.LogTrace, line); err != nil {
		a.log.Debug("the trace was not sent", "error", err)
	}
}
