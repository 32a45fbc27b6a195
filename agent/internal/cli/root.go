package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// Config is what the commands work with.
type Config struct {
	Version        string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// LogLevel is that of the log unless the command line names one. Default: each
	// command's own.
	LogLevel string
	// NewAgent makes the agent of a command. Its log goes to stderr, from a level on.
	NewAgent func(logLevel string) (*agent.Agent, error)
}

// terminal is what the commands share.
type terminal struct {
	Config
	stdin *stdin
	json  bool
}

// Run runs a command and returns the status to exit with. A cancelled ctx cancels
// what is under way at GitLab too.
func Run(ctx context.Context, args []string, c Config) int {
	t := &terminal{Config: c, stdin: &stdin{ctx, c.Stdin}}
	root := t.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitFine
	}
	if ctx.Err() != nil { // whatever else went wrong on the way out
		err = context.Canceled
	}
	if err != errSilent {
		t.report(err)
	}
	return exitStatus(err)
}

// errSilent ends a command that has said itself what is wrong.
var errSilent = errors.New("cli: told already")

func (t *terminal) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "codestream-agent",
		Short: "Sign in to your company's GitLab, for your editor and at the terminal",
		Long: "codestream-agent signs you in to GitLab Self-Managed and calls it as you.\n\n" +
			"Editors start it without a command and talk to it on stdin and stdout; its flags\n" +
			"for that are shown by codestream-agent --stdio --help. The commands below share\n" +
			"the editors' sign-in.\n\n" + exitTable(),
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(t.stdin)
	root.SetOut(t.Stdout)
	root.SetErr(t.Stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().StringVar(&t.LogLevel, "log-level", t.LogLevel, "log to stderr what is at least of this `level`: error (the default), warn, info or debug")
	root.AddCommand(
		t.login(), t.logout(), t.status(), t.token(), t.request(), t.doctor(), t.gitCredential(), t.relay(), t.teamKey(), t.version(),
	)
	for _, command := range root.Commands() {
		command.Args = usageArgs(command.Args)
		command.DisableFlagsInUseLine = true
	}
	return root
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// report says on stderr what went wrong, and what to do.
func (t *terminal) report(err error) {
	var told *protocol.Error
	var usage usageError
	switch {
	case errors.As(err, &told):
		fmt.Fprintf(t.Stderr, "codestream-agent: %s (%s)\n", forTerminal(told.Message), told.Code.Name())
		if told.Hint != "" {
			fmt.Fprintf(t.Stderr, "  %s\n", hintForTerminal(told.Hint))
		}
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"):
		fmt.Fprintf(t.Stderr, "codestream-agent: %s\n  See codestream-agent --help.\n", firstLine(err))
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(t.Stderr, "codestream-agent: cancelled")
	default:
		fmt.Fprintf(t.Stderr, "codestream-agent: %v\n", err)
	}
}

// firstLine leaves out the suggestions that cobra adds.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// environment reports whether a variable is set, to whatever.
func environment(name string) bool { return os.Getenv(name) != "" }
