package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/teamcodestream/codestream-agent/agent"
)

func (t *terminal) teamKey() *cobra.Command {
	return &cobra.Command{
		Use:   "team-key",
		Short: "Make a key for a team's registry",
		Long: "Prints a new team key, in the form of a credentials file. The key seals client\n" +
			"secrets in the team's registry, whose server never sees it. Make it once for a\n" +
			"team, and give the same to each member with the credentials: at the end of the\n" +
			"creds file as it is, or what is between the lines as teamKey of a JSON file.\n\n" +
			"For a new key in place of an old one: put it into the maintainer's file, configure\n" +
			"each instance that has a secret again, and give the key to the members, whose\n" +
			"editors read the file anew without a restart. Until a member has the new key, they\n" +
			"can neither sign in with a confidential application nor have a sign-in refreshed.\n\n" +
			"If the old key has leaked, renew each client secret in GitLab too: whoever has the\n" +
			"key may have read it.",
		Example: "  codestream-agent team-key >>team.creds",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(t.Stdout, agent.NewTeamKey())
			return err
		},
	}
}
