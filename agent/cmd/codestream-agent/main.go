// Command codestream-agent is the sidecar that an editor extension spawns. It
// speaks JSON-RPC on stdin and stdout; see the README for how to talk to it.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/agent/internal/cli"
	"github.com/teamcodestream/codestream-agent/agent/internal/keyring"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/providers/all"
)

// version is set when a release is built.
var version = ""

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the terminal's commands where an argument is one, and else the sidecar,
// which editors start with flags only.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 && (!strings.HasPrefix(args[0], "-") || args[0] == "-h" || args[0] == "-help" || args[0] == "--help") {
		return terminal(args, "", stdin, stdout, stderr)
	}
	return sidecar(args, stdin, stdout, stderr)
}

// terminal runs a command. logLevel is what flags before it say; "" for nothing.
func terminal(args []string, logLevel string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), endingSignals...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process, whatever it waits for
	if args[0] == "-help" {
		args[0] = "--help"
	}
	return cli.Run(ctx, args, cli.Config{
		Version: versionString(), Stdin: stdin, Stdout: stdout, Stderr: stderr,
		LogLevel: cmp.Or(logLevel, os.Getenv("CODESTREAM_LOG_LEVEL")),
		NewAgent: func(logLevel string) (*agent.Agent, error) {
			config, err := agentConfig()
			config.NoOffers = true
			if err == nil {
				config.Log, _, _, err = newLog(stderr, logLevel, "")
			}
			if err != nil {
				return nil, err
			}
			return agent.New(config), nil
		},
	})
}

// agentConfig is what the environment says of the agent.
func agentConfig() (agent.Config, error) {
	dir, err := dataDir()
	if err != nil {
		return agent.Config{}, fmt.Errorf("no data directory: %w; set CODESTREAM_DATA_DIR to an absolute path", err)
	}
	off, err := keyringIsOff()
	return agent.Config{
		Version: versionString(), Providers: all.Providers(), DataDir: dir,
		Keyring: keyring.New(), KeyringOff: off,
		PolicyFile: team.PolicyPath(),
	}, err
}

func sidecar(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("codestream-agent", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Bool("stdio", true, "speak JSON-RPC on stdin and stdout (the default)")
	clientProcessID := flags.Int("clientProcessId", 0, "end when the process with this `ID` does")
	logLevel := flags.String("log-level", cmp.Or(os.Getenv("CODESTREAM_LOG_LEVEL"), "warn"), "log what is at least of this `level`: error, warn, info or debug")
	flags.BoolFunc("verbose", "the same as -log-level debug", func(value string) error {
		verbose, err := strconv.ParseBool(value)
		if verbose {
			*logLevel = "debug"
		}
		return err
	})
	logFile := flags.String("log-file", os.Getenv("CODESTREAM_LOG_FILE"), "log to the file at this `path` as well; each process needs one of its own")
	showVersion := flags.Bool("version", false, "print the version and exit")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if flags.NArg() > 0 {
		return afterFlags(flags, *logLevel, stdin, stdout, stderr)
	}
	if *showVersion {
		fmt.Fprintln(stdout, "codestream-agent", versionString())
		return 0
	}
	config, err := agentConfig()
	if err != nil {
		fmt.Fprintf(stderr, "codestream-agent: %v\n", err)
		return 2
	}
	patient := newUnhurried(stderr)
	defer patient.Close()
	log, level, file, err := newLog(patient, *logLevel, *logFile)
	if err != nil {
		fmt.Fprintf(stderr, "codestream-agent: %v\n", err)
		return 2
	}
	defer file.Close()
	config.Log, config.LogLevel, config.ClientProcessID = log, level, *clientProcessID
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config.Begun = func() {
		surviveClosedPipes()
		limitMemory()
		onSignal(cancel)
	}
	return agent.New(config).Serve(ctx, stdin, stdout)
}

// afterFlags runs a command that flags of the sidecar stand before, of which it can
// have the level of the log.
func afterFlags(flags *flag.FlagSet, logLevel string, stdin io.Reader, stdout, stderr io.Writer) int {
	var level, other string
	flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "log-level", "verbose":
			level = logLevel
		default:
			other = f.Name
		}
	})
	if other != "" {
		fmt.Fprintf(stderr, "codestream-agent: -%s is for editors, and %q does not go with it; see codestream-agent -help\n", other, flags.Arg(0))
		return 2
	}
	return terminal(flags.Args(), level, stdin, stdout, stderr)
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
