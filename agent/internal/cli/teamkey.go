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
			"each instance that has a secret again, and give the key to the members. Until a\n" +
			"member has it, the sign-ins that they have stay, and new ones say what is missing.",
		Example: "  codestream-agent team-key >>team.creds",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(t.Stdout, agent.NewTeamKey())
			return err
		},
	}
}
