// Command codestream-agent is the sidecar that an editor extension spawns. It
// speaks JSON-RPC on stdin and stdout; see the README for how to talk to it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/agent/internal/keyring"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/all"
)

// version is set when a release is built.
var version = ""

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("codestream-agent", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Bool("stdio", true, "speak JSON-RPC on stdin and stdout (the default)")
	clientProcessID := flags.Int("clientProcessId", 0, "end when the process with this `ID` does")
	verbose := flags.Bool("verbose", false, "log more to stderr")
	showVersion := flags.Bool("version", false, "print the version and exit")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "codestream-agent: there is no argument %q; see codestream-agent -help\n", flags.Arg(0))
		return 2
	}
	if *showVersion {
		fmt.Fprintln(stdout, "codestream-agent", versionString())
		return 0
	}
	dir, err := dataDir()
	if err != nil {
		fmt.Fprintf(stderr, "codestream-agent: no data directory: %v; set CODESTREAM_DATA_DIR to an absolute path\n", err)
		return 2
	}
	keyringOff, err := keyringIsOff()
	if err != nil {
		fmt.Fprintf(stderr, "codestream-agent: %v\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return agent.New(agent.Config{
		Version:   versionString(),
		Providers: all.Providers(),
		DataDir:   dir,
		Log:       newLog(stderr, *verbose),

		Keyring:         keyring.New(),
		KeyringOff:      keyringOff,
		ClientProcessID: *clientProcessID,
	}).Serve(ctx, stdin, stdout)
}

// keyringIsOff reads CODESTREAM_KEYRING, which has the values of the setting
// "keyring".
func keyringIsOff() (bool, error) {
	switch value := protocol.Keyring(os.Getenv("CODESTREAM_KEYRING")); value {
	case "", protocol.KeyringSystem:
		return false, nil
	case protocol.KeyringOff:
		return true, nil
	default:
		return false, fmt.Errorf("CODESTREAM_KEYRING is %q; it can be system or off", value)
	}
}

func newLog(stderr io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
}

// versionString is the version of the release, or of the module as it was built.
func versionString() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "devel"
}
