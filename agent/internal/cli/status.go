package cli

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"github.com/teamcodestream/codestream-agent/protocol"
)

func (t *terminal) status() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status [URL] [--json]",
		Short: "Show the instances, and who is signed in",
		Long:  "Show the instances that are known on this machine, and who is signed in. Nobody is asked.",
		Example: "  codestream-agent status\n" +
			"  codestream-agent status --json | jq -r '.instances[].auth.accounts[].user.username'",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: t.completeInstance,
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.with(cmd.Context(), func(c *client) error {
				status, err := call(cmd.Context(), c, protocol.Status, protocol.StatusParams{Instance: optional(args)})
				if err != nil {
					return err
				}
				if t.json {
					return t.printJSON(status)
				}
				t.showStatus(status)
				return nil
			})
		},
	}
	t.jsonFlag(cmd)
	return cmd
}

func (t *terminal) showStatus(status protocol.StatusResult) {
	for _, account := range status.Unlisted {
		t.say("%s is still signed in to %s, which nothing names here: codestream-agent logout %[2]s --account %[1]s", account.User.Username, account.Instance)
	}
	if len(status.Instances) == 0 {
		if len(status.Unlisted) > 0 {
			return
		}
		t.say("No GitLab instance is known here. Begin with: codestream-agent login URL --client-id ID")
		return
	}
	lines := [][]string{{"INSTANCE", "VERSION", "USER", "ACCOUNT", "METHOD", "STATE"}}
	for _, in := range status.Instances {
		version := cmp.Or(in.Version, "-")
		if len(in.Auth.Accounts) == 0 {
			lines = append(lines, []string{in.URL, version, "-", "-", "-", string(in.Auth.State)})
		}
		for _, account := range in.Auth.Accounts {
			lines = append(lines, []string{in.URL, version, account.User.Username, account.ID, string(account.Method), accountState(in, account)})
		}
	}
	t.table(lines)
	for _, in := range status.Instances {
		if in.NeedsApproval {
			t.say("%s is named by %s, and is not used until you say so: codestream-agent login %[1]s", in.URL, in.Origin)
		}
	}
}

// accountState is how it stands with an account. One that GitLab refuses has no
// expiry, and neither has one that does not expire.
func accountState(in protocol.Instance, account protocol.Account) string {
	if account.State != protocol.StateSignedIn {
		return string(account.State) + " (" + cmp.Or(account.Reason, in.Auth.Reason) + ")"
	}
	if account.Method == protocol.MethodToken && account.ExpiresAt != nil {
		return string(account.State) + " until " + account.ExpiresAt.Format(time.DateOnly)
	}
	return string(account.State)
}

// optional returns the argument, if there is one.
func optional(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// target is which account a command is about.
type target struct{ instance, account string }

func (t *terminal) accountFlag(cmd *cobra.Command, to *target) {
	cmd.Flags().StringVar(&to.account, "account", "", "the account's `id` or user name, where more than one is signed in")
	_ = cmd.RegisterFlagCompletionFunc("account", t.completeAccount) // the flag is there
}

func (t *terminal) instanceFlag(cmd *cobra.Command, to *target) {
	cmd.Flags().StringVar(&to.instance, "instance", "", "the instance's `URL`, where more than one is known")
	_ = cmd.RegisterFlagCompletionFunc("instance", t.completeInstance) // likewise
}
