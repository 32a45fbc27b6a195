package endurance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/providers/all"
)

// countedAgent is the environment variable that makes the test binary an agent
// which counts its goroutines. It is a process of its own, so that none of the
// test's are among them.
const countedAgent = "ENDURANCE_COUNTED_AGENT"

// countInterval is how often it counts.
const countInterval = 5 * time.Millisecond

// goroutinesLine is what it writes to stderr whenever there are more than ever.
const goroutinesLine = "goroutines: %d\n"

// serveCounted is an agent like the one of codestream-agent, without a keyring, and
// with the counting.
func serveCounted() (status int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go countGoroutines(ctx)
	return agent.New(agent.Config{
		Version:     "test",
		Providers:   all.Providers(),
		DataDir:     os.Getenv("CODESTREAM_DATA_DIR"),
		Log:         slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		OpenBrowser: func(context.Context, string) error { return errors.New("there is no browser in this test") },
	}).Serve(ctx, os.Stdin, os.Stdout)
}

func countGoroutines(ctx context.Context) {
	ticker := time.NewTicker(countInterval)
	defer ticker.Stop()
	most := 0
	for {
		if n := runtime.NumGoroutine(); n > most {
			most = n
			fmt.Fprintf(os.Stderr, goroutinesLine, n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
