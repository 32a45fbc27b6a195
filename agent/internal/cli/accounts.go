package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// resolve makes the id of an account of what the person has called it: a user name
// is what they know. An id is only digits, and a user name never is, so that the
// two cannot be confused (https://docs.gitlab.com/user/reserved_names/).
func (t *terminal) resolve(ctx context.Context, c *client, to target) (target, error) {
	if to.account == "" {
		return to, nil
	}
	status, err := call(ctx, c, protocol.Status, protocol.StatusParams{Instance: to.instance})
	if err != nil {
		return to, err
	}
	accounts := status.Unlisted
	for _, in := range status.Instances {
		accounts = append(accounts, in.Auth.Accounts...)
	}
	var found []target
	for _, account := range accounts {
		if account.ID == to.account || account.User.Username == to.account {
			found = append(found, target{account.Instance, account.ID})
		}
	}
	switch len(found) {
	case 0:
		return to, &protocol.Error{
			Code:    protocol.SignInRequired,
			Message: fmt.Sprintf("no account %q is signed in", to.account),
			Hint:    "codestream-agent status lists the accounts; sign in with codestream-agent login.",
		}
	case 1:
		return found[0], nil
	}
	return to, usagef("there is an account %q on %d instances: say which with --instance", to.account, len(found))
}

// completeInstance completes the URLs of the instances.
func (t *terminal) completeInstance(cmd *cobra.Command, args []string, _ string) (list []string, _ cobra.ShellCompDirective) {
	if len(args) == 0 {
		t.eachInstance(cmd.Context(), func(in protocol.Instance) { list = append(list, in.URL) })
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// completeAccount completes user names.
func (t *terminal) completeAccount(cmd *cobra.Command, _ []string, _ string) (list []string, _ cobra.ShellCompDirective) {
	t.eachInstance(cmd.Context(), func(in protocol.Instance) {
		for _, account := range in.Auth.Accounts {
			list = append(list, account.User.Username)
		}
	})
	return list, cobra.ShellCompDirectiveNoFileComp
}

// eachInstance is for completion: where it fails there is nothing to complete.
func (t *terminal) eachInstance(ctx context.Context, do func(protocol.Instance)) {
	_ = t.with(ctx, func(c *client) error {
		status, err := call(ctx, c, protocol.Status, protocol.StatusParams{})
		for _, in := range status.Instances {
			do(in)
		}
		return err
	})
}
