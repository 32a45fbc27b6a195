package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// answerGit answers what git asks for. Where there is no answer it says nothing to
// git, which then goes on to the next helper or to the person, and to the person why.
func (t *terminal) answerGit(ctx context.Context, c *client, asked gitRequest) error {
	status, err := call(ctx, c, protocol.Status, protocol.StatusParams{})
	if err != nil {
		return err
	}
	in, ok := t.instanceFor(asked, status.Instances)
	if !ok {
		return nil
	}
	account, ok := accountFor(asked.username, in.Auth.Accounts)
	if !ok {
		return nil
	}
	credential, err := c.agent.GitCredential(ctx, in.ID, account, gitValidity)
	if err != nil {
		t.report(forGit(err, in, account))
		return nil
	}
	answer := []string{"username=" + credential.Username, "password=" + credential.Password.Reveal()}
	if !credential.Expires.IsZero() {
		answer = append(answer, fmt.Sprintf("password_expiry_utc=%d", credential.Expires.Unix()))
	}
	if slices.ContainsFunc(answer, hasControl) {
		t.report(&protocol.Error{
			Code:     protocol.SignInRequired,
			Message:  "the user name or the token for " + in.ID + " has a control character, which git would read as more than that",
			Hint:     "Sign in again: codestream-agent login " + in.ID,
			Instance: in.ID,
		})
		return nil
	}
	fmt.Fprintln(t.Stdout, strings.Join(answer, "\n"))
	return nil
}

// forGit is an error for who uses git: that there are several accounts, where no flag
// says which, has another next step then.
func forGit(err error, in protocol.Instance, account string) error {
	var told *protocol.Error
	if account != "" || len(in.Auth.Accounts) < 2 || !errors.As(err, &told) || told.Code != protocol.InvalidParams {
		return err
	}
	whose := *told
	scheme, rest, _ := strings.Cut(in.URL, "://")
	whose.Hint = fmt.Sprintf("Say whose git is in the remote's URL, as in %s://%s@%s/…, or for all of them: git config --global credential.%s.username %[2]s",
		scheme, in.Auth.Accounts[0].User.Username, rest, in.URL)
	return &whose
}

// hasControl reports whether a line is not one to git: a line break ends an answer's
// attribute, and begins another.
func hasControl(line string) bool { return strings.ContainsFunc(line, unicode.IsControl) }

// heedRefusal hears that git was refused with a password. Where it is none of ours,
// or was good and git refused for something else, there is nothing to say.
func (t *terminal) heedRefusal(ctx context.Context, c *client, refused gitRequest) error {
	if refused.password == "" {
		return nil
	}
	status, err := call(ctx, c, protocol.Status, protocol.StatusParams{})
	if err != nil {
		return err
	}
	for _, in := range status.Instances {
		base, err := url.Parse(in.URL)
		if err != nil || in.NeedsApproval || !providers.SameOrigin(refused.address(), base) {
			continue
		}
		renewed, err := c.agent.GitRefused(ctx, in.ID, refused.password)
		switch {
		case err != nil:
			t.report(err)
		case renewed:
			t.say("codestream-agent: GitLab had ended the token before its time, and there is a new token now: try again")
		}
	}
	return nil
}
