package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/protocol"
)

func (t *terminal) token() *cobra.Command {
	var to target
	var validity time.Duration
	cmd := &cobra.Command{
		Use:   "token [URL] [flags]",
		Short: "Print an access token, refreshed where need be",
		Long: "Print an access token, for a script that calls GitLab by itself. It is a secret: do\n" +
			"not put it into a command line or a log. Prefer codestream-agent request, which\n" +
			"keeps it inside. Personal access tokens are not printed.",
		Example:           "  curl -H @<(echo \"Authorization: Bearer $(codestream-agent token)\") https://gitlab.example.com/api/v4/user",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: t.completeInstance,
		RunE: func(cmd *cobra.Command, args []string) error {
			to.instance = optional(args)
			seconds, err := seconds("min-validity", validity, 0, agent.MaxValidity)
			if err != nil {
				return err
			}
			return t.with(cmd.Context(), func(c *client) error {
				to, err := t.resolve(cmd.Context(), c, to)
				if err != nil {
					return err
				}
				token, err := call(cmd.Context(), c, protocol.Token, protocol.TokenParams{
					Instance: to.instance, Account: to.account, MinValiditySeconds: &seconds,
				})
				if err != nil {
					return err
				}
				if t.json {
					return t.printJSON(token)
				}
				_, err = fmt.Fprintln(t.Stdout, token.AccessToken)
				return err
			})
		},
	}
	t.accountFlag(cmd, &to)
	cmd.Flags().DurationVar(&validity, "min-validity", time.Minute, "how long the token has to live")
	t.jsonFlag(cmd)
	return cmd
}
