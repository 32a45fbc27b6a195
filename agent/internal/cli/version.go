package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// build describes the program.
type build struct {
	Version string `json:"version"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Go      string `json:"go"`
}

func (t *terminal) build() build {
	return build{t.Config.Version, runtime.GOOS, runtime.GOARCH, runtime.Version()}
}

func (t *terminal) version() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version [--json]",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if t.json {
				return t.printJSON(t.build())
			}
			_, err := fmt.Fprintln(t.Stdout, "codestream-agent", t.Config.Version)
			return err
		},
	}
	t.jsonFlag(cmd)
	return cmd
}

func (t *terminal) jsonFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&t.json, "json", false, "print the result as JSON, for programs")
}
