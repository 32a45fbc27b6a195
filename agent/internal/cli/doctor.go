package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// report is what doctor prints for programs.
type report struct {
	Build  build            `json:"build"`
	Checks []protocol.Check `json:"checks"`
}

func (t *terminal) doctor() *cobra.Command {
	var names bool
	cmd := &cobra.Command{
		Use:   "doctor [URL] [flags]",
		Short: "Check all that lies between this machine and GitLab",
		Long: "Check all that lies between this machine and GitLab, each with the next step where\n" +
			"something is wrong. The report can be pasted into a ticket: it has no secrets, and\n" +
			"user names only with --names. It exits with 1 where a check fails.",
		Example:           "  codestream-agent doctor\n  codestream-agent doctor https://gitlab.example.com --json",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: t.completeInstance,
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.with(cmd.Context(), func(c *client) error {
				result, err := call(cmd.Context(), c, protocol.Diagnose, protocol.DiagnoseParams{Instance: optional(args), Names: names})
				if err != nil {
					return err
				}
				return t.showDiagnosis(result)
			})
		},
	}
	cmd.Flags().BoolVar(&names, "names", false, "show user names")
	t.jsonFlag(cmd)
	return cmd
}

// marks are how the outcome of a check is shown.
var marks = map[protocol.CheckStatus]struct{ mark, colour string }{
	protocol.CheckPass: {"✓", green},
	protocol.CheckWarn: {"!", yellow},
	protocol.CheckFail: {"✗", red},
	protocol.CheckSkip: {"-", grey},
}

func (t *terminal) showDiagnosis(result protocol.DiagnoseResult) error {
	counts := map[protocol.CheckStatus]int{}
	for _, check := range result.Checks {
		counts[check.Status]++
	}
	if t.json {
		if err := t.printJSON(report{t.build(), result.Checks}); err != nil {
			return err
		}
	} else {
		t.printDiagnosis(result, counts)
	}
	if counts[protocol.CheckFail] > 0 {
		return errSilent
	}
	return nil
}

func (t *terminal) printDiagnosis(result protocol.DiagnoseResult, counts map[protocol.CheckStatus]int) {
	b := t.build()
	fmt.Fprintf(t.Stdout, "codestream-agent %s, %s/%s, %s\n", b.Version, b.OS, b.Arch, b.Go)
	instance := ""
	for _, check := range result.Checks {
		if check.Instance != instance {
			instance = check.Instance
			fmt.Fprintf(t.Stdout, "\n%s\n", instance)
		}
		m := marks[check.Status]
		fmt.Fprintf(t.Stdout, "%s %-12s %s\n", t.coloured(m.colour, m.mark), check.Name, forTerminal(check.Detail))
		if check.Hint != "" {
			fmt.Fprintf(t.Stdout, "  %-12s %s\n", "", hintForTerminal(check.Hint))
		}
	}
	fmt.Fprintf(t.Stdout, "\n%d passed, %d to look at, %d failed, %d skipped\n", counts[protocol.CheckPass],
		counts[protocol.CheckWarn], counts[protocol.CheckFail], counts[protocol.CheckSkip])
}
