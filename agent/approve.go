package agent

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// The answers to the question whether an instance that a file offers may be used.
const (
	useIt  = "Use It"
	notNow = "Not Now"
)

// usable returns an instance that may be used: Untrusted for one that a file in the
// workspace offers, and that the user has not let be used.
func usable(in team.Instance, err error) (team.Instance, error) {
	if err == nil && in.NeedsApproval {
		err = team.Untrusted(in)
	}
	return in, err
}

// approved returns an instance once the user has let it be used, who is asked unless
// a question about it is open already. It returns Untrusted where they do not say so,
// and ctx's cause.
func (a *Agent) approved(ctx context.Context, s *session, in team.Instance) (team.Instance, error) {
	for in.NeedsApproval {
		isAnswered, err := a.awaitWord(ctx, s, in)
		if err != nil && (!isAnswered || ctx.Err() != nil) {
			return in, err
		}
		now, err := s.team.Resolve(in.ID) // the file may have changed meanwhile
		if err != nil || !isAnswered {
			return usable(now, err)
		}
		in = now // a no that was said before is none to this
	}
	return in, nil
}

// awaitWord waits for what the user says of an instance. isAnswered is whether they
// had said it before anybody wanted to know.
func (a *Agent) awaitWord(ctx context.Context, s *session, in team.Instance) (isAnswered bool, err error) {
	q, isAnswered := a.join(s, in)
	defer s.offers.leave(q)
	select {
	case <-q.settled:
		return isAnswered, q.err
	case <-ctx.Done():
		return isAnswered, context.Cause(ctx)
	}
}

// askAbout asks the user a question, and keeps their word. It returns nil where that is
// known without them by now, or ctx has ended.
func (a *Agent) askAbout(ctx context.Context, s *session, q *openQuestion) error {
	in := q.instance
	if !s.isOpen(in) {
		return nil
	}
	a.mu.Lock()
	e := a.client.editor
	a.mu.Unlock()
	answer, err := askAndHear(ctx, e, protocol.ShowMessageRequest, protocol.ShowMessageRequestParams{
		Type: protocol.MessageInfo, Message: question(in),
		Actions: []protocol.MessageActionItem{{Title: useIt}, {Title: notNow}},
	}, func() { s.offers.answered(q) })
	switch {
	case ctx.Err() != nil: // what they say to a question that was withdrawn does not count
		return nil
	case err != nil:
		a.log.Info("the user could not be asked about an instance", "instance", in.ID, "error", err)
		return notAsked(in)
	case answer == nil || answer.Title != useIt:
		return team.Untrusted(in)
	}
	return s.approve(in)
}

// approve keeps the user's word that an instance may be used, as it is now.
func (s *session) approve(in team.Instance) error {
	err := s.store.Update(func(tx *store.Tx) error { return team.Approve(tx, in) })
	if err == nil {
		s.news.announce()
	}
	return err
}

// approveShown keeps the user's word that the editor has got for what it has shown
// them, which it names by the offer's id. It returns Untrusted where the file offers
// something else by now.
func (s *session) approveShown(in team.Instance, offer string) (team.Instance, error) {
	if !in.NeedsApproval {
		return in, nil
	}
	if offer != team.Offer(in) {
		e := team.Untrusted(in)
		e.Message = "what " + in.Origin + " says of " + in.ID + " is not what you have let be used"
		e.Hint = "It has changed since it was shown. Look at it again, and say once more whether it may be used."
		return in, e
	}
	if err := s.approve(in); err != nil {
		return in, err
	}
	return usable(s.team.Resolve(in.ID))
}

// notAsked is Untrusted in an editor that does not ask its user.
func notAsked(in team.Instance) error {
	e := team.Untrusted(in)
	e.Message += ": the editor could not ask you"
	e.Hint = "Say in the editor that it may be used, where the extension shows " + in.ID + " and its file. Or look at the file, and trust the workspace in the editor."
	return e
}

// notAnswered is the error for a question that stayed open for too long.
func notAnswered(in team.Instance, after time.Duration) error {
	return &protocol.Error{
		Code:     protocol.SignInTimeout,
		Message:  fmt.Sprintf("nobody said within %v whether %s may be used, which %s names", after, in.ID, in.Origin),
		Hint:     "Sign in again, and answer the editor's question. Or trust the workspace in the editor.",
		Instance: in.ID,
		Details:  &protocol.ErrorDetails{File: in.Origin},
	}
}

// describeOffer returns what an editor needs that asks its user by itself.
func describeOffer(in team.Instance) *protocol.Offer {
	if !in.NeedsApproval {
		return nil
	}
	return &protocol.Offer{ID: team.Offer(in), Question: question(in)}
}

// question is what the user is asked of an instance: where it is comes first, so that
// nothing which a repository says can push it out of sight.
func question(in team.Instance) string {
	text := fmt.Sprintf("%s names the GitLab instance %s. Let CodeStream use it? You would sign in there, in your browser.", inSentence(in.Origin), in.ID)
	if in.HasChanged {
		text += " Its settings are others than those that you have let be used."
	}
	if strings.HasPrefix(in.ID, "http://") {
		text += " It is reached without encryption."
	}
	if where := auth.RedirectElsewhere(in.RedirectURI); where != "" {
		text += " The sign-in would come back by way of " + where + "."
	}
	if !slices.Equal(in.Scopes, []string{team.DefaultScope}) {
		text += " CodeStream would ask there for the scopes " + listed(in.Scopes) + "."
	}
	if len(in.SSHHosts) > 0 {
		text += " Git remotes at " + listed(in.SSHHosts) + " would count as its own."
	}
	return text
}

// maxListed bounds a list in a question, in bytes.
const maxListed = 200

// listed returns words of a repository's as such.
func listed(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = strconv.QuoteToASCII(word)
	}
	return providers.Shorten(strings.Join(quoted, ", "), maxListed)
}

// maxOrigin bounds a path in a question, in bytes: what it is about has to be seen.
const maxOrigin = 300

// inSentence returns the path of a repository's as a word of a sentence: its name could
// be a sentence itself, and say something else.
func inSentence(path string) string {
	short := providers.Shorten(path, maxOrigin)
	isPlain := !strings.ContainsFunc(path, func(r rune) bool { return r == ' ' || r == '"' || r > unicode.MaxASCII })
	if isPlain {
		return short
	}
	return `"` + strings.Trim(short, `"`) + `"`
}
