package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/teamcodestream/codestream-agent/protocol"
)

func (t *terminal) logout() *cobra.Command {
	var to target
	var revoke, forget bool
	cmd := &cobra.Command{
		Use:   "logout [URL] [flags]",
		Short: "Sign out, and revoke the tokens at GitLab",
		Long: "Sign an account out. What OAuth has issued is revoked at GitLab; a personal access\n" +
			"token only with --revoke. With --forget-instance all accounts of the instance are\n" +
			"signed out, and the instance is forgotten with its settings.",
		Example: "  codestream-agent logout\n" +
			"  codestream-agent logout https://gitlab.example.com --account sam\n" +
			"  codestream-agent logout https://gitlab.example.com --forget-instance",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: t.completeInstance,
		RunE: func(cmd *cobra.Command, args []string) error {
			to.instance = optional(args)
			return t.with(cmd.Context(), func(c *client) error {
				if forget {
					return t.forget(cmd, c, to)
				}
				to, err := t.resolve(cmd.Context(), c, to)
				if err != nil {
					return err
				}
				p := protocol.DisconnectParams{Instance: to.instance, Account: to.account}
				if cmd.Flags().Changed("revoke") {
					p.Revoke = &revoke
				}
				result, err := call(cmd.Context(), c, protocol.Disconnect, p)
				if err != nil {
					return err
				}
				return t.signedOut(result)
			})
		},
	}
	t.accountFlag(cmd, &to)
	cmd.Flags().BoolVar(&revoke, "revoke", true, "revoke the tokens at GitLab; false only forgets them")
	cmd.Flags().BoolVar(&forget, "forget-instance", false, "forget the instance and all its accounts")
	t.jsonFlag(cmd)
	return cmd
}

func (t *terminal) signedOut(result protocol.DisconnectResult) error {
	t.warn(result.Warnings)
	if t.json {
		return t.printJSON(result)
	}
	text := "Signed out; the tokens are forgotten here."
	if result.Revoked {
		text = "Signed out; the tokens are revoked at GitLab."
	}
	_, err := fmt.Fprintln(t.Stdout, text)
	return err
}

func (t *terminal) forget(cmd *cobra.Command, c *client, to target) error {
	if to.instance == "" || to.account != "" {
		return usagef("--forget-instance needs the instance's URL, and no account")
	}
	if _, err := call(cmd.Context(), c, protocol.Unconfigure, protocol.UnconfigureParams{Instance: to.instance}); err != nil {
		return err
	}
	if t.json {
		return t.printJSON(struct{}{})
	}
	_, err := fmt.Fprintf(t.Stdout, "%s is forgotten, with its accounts.\n", to.instance)
	return err
}
