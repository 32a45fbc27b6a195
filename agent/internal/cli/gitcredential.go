package cli

import (
	"bufio"
	"context"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// gitValidity is how long a token lives at least that git is given: a large push
// takes its time.
const gitValidity = 5 * time.Minute

func (t *terminal) gitCredential() *cobra.Command {
	return &cobra.Command{
		Use:   "git-credential get|store|erase",
		Short: "Sign git in over HTTPS, as a credential helper",
		Long: "Answer git's questions for credentials (https://git-scm.com/docs/gitcredentials), with\n" +
			"a token of the instance whose address git asks for, refreshed where need be. It says\n" +
			"nothing for any other address, so that other helpers are asked. There is nothing to\n" +
			"store: the agent keeps the sign-in itself. Where git was refused (erase), GitLab is\n" +
			"asked whether it still takes the token, which is then refreshed where that can be.",
		Example: "  git config --global credential.https://gitlab.example.com.helper '!codestream-agent git-credential'\n" +
			"  git clone https://gitlab.example.com/group/project.git\n\n" +
			"  # an instance below the root of its host: git has to say the path\n" +
			"  git config --global credential.https://example.com/gitlab.helper '!codestream-agent git-credential'\n" +
			"  git config --global credential.https://example.com/gitlab.useHttpPath true",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			operation := map[string]func(context.Context, *client, gitRequest) error{"get": t.answerGit, "erase": t.heedRefusal}[args[0]]
			if operation == nil {
				return nil // git wants helpers to ignore what they do not know
			}
			asked, err := readGitRequest(t.stdin)
			if err != nil {
				return err
			}
			return t.with(cmd.Context(), func(c *client) error { return operation(cmd.Context(), c, asked) })
		},
	}
}

// gitRequest is what git asks for, or what has been refused (git-credential(1),
// "INPUT/OUTPUT FORMAT").
type gitRequest struct{ protocol, host, path, username, password string }

func (r gitRequest) address() *url.URL {
	return &url.URL{Scheme: r.protocol, Host: r.host, Path: "/" + r.path}
}

// maxGitRequest bounds what git asks in bytes.
const maxGitRequest = 64 << 10

func readGitRequest(r io.Reader) (asked gitRequest, err error) {
	lines := bufio.NewScanner(io.LimitReader(r, maxGitRequest))
	for lines.Scan() && lines.Text() != "" {
		name, value, _ := strings.Cut(lines.Text(), "=")
		switch name {
		case "protocol":
			asked.protocol = value
		case "host":
			asked.host = value
		case "path":
			asked.path = value
		case "username":
			asked.username = value
		case "password":
			asked.password = value
		}
	}
	return asked, lines.Err()
}

// instanceFor returns the instance whose address git asks for. Scheme, host and
// port have to be the instance's exactly, and the path has to be below the
// instance's. Where git does not tell the path, as it does not without
// credential.useHttpPath, an instance below the host's root gets no answer: another
// program at the host may be meant.
func (t *terminal) instanceFor(asked gitRequest, instances []protocol.Instance) (found protocol.Instance, ok bool) {
	address := asked.address()
	for _, in := range instances {
		base, err := url.Parse(in.URL)
		if err != nil || in.NeedsApproval || !providers.SameOrigin(address, base) {
			continue
		}
		switch {
		case asked.path == "" && base.Path != "":
			t.say("codestream-agent: git does not say which path of %s it asks for, and %s is not all that is there. Have it say so: git config --global credential.%[2]s.useHttpPath true", asked.host, in.URL)
			return protocol.Instance{}, false
		case asked.path != "" && !providers.IsBelow(address, in.URL):
		case !ok || len(in.URL) > len(found.URL): // the longest root says most
			found, ok = in, true
		}
	}
	return found, ok
}

// accountFor returns the id of the account that git asks for: by the user name in
// the remote's URL, if there is one. "oauth2" is anybody with a token.
func accountFor(username string, accounts []protocol.Account) (id string, ok bool) {
	if username == "" || username == "oauth2" {
		return "", true
	}
	for _, account := range accounts {
		if account.User.Username == username {
			return account.ID, true
		}
	}
	return "", false
}
