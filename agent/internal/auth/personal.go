package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// SignInWithToken signs a user in by a personal access token, which is verified
// first: a token that GitLab refuses replaces nothing. The warnings are sentences
// for the user.
//
// Errors: InvalidToken for one that is refused, has expired, was revoked or is of
// another kind; InsufficientScope for one that may not even tell whose it is; and
// those of the network.
func (m *Manager) SignInWithToken(ctx context.Context, in store.Instance, token secret.Text) (account store.Account, warnings []string, err error) {
	if err := m.checkForm(in, token); err != nil {
		return store.Account{}, nil, err
	}
	base, err := m.Transport(in)
	if err != nil {
		return store.Account{}, nil, err
	}
	issued := m.Now().UTC()
	host := m.host(base, in.ID, protocol.MethodToken, token)
	described, err := host.PersonalToken(ctx)
	if err == nil {
		err = stillGood(in, described, issued)
	}
	told := err == nil
	if err != nil && !errors.Is(err, protocol.NotFound) {
		return store.Account{}, nil, invalidWhereRefused(in, err)
	}
	user, err := host.CurrentUser(ctx)
	if err != nil {
		return store.Account{}, nil, invalidWhereRefused(in, err)
	}
	account = store.Account{
		ID: strconv.FormatInt(user.ID, 10), Instance: in.ID, User: user, Method: protocol.MethodToken,
		Scopes: described.Scopes, IssuedAt: issued, SignedInAt: issued, ExpiresAt: described.ExpiresAt,
		TokenKind: m.Provider.TokenKind(user),
	}
	account, err = m.saveSignIn(ctx, account, store.Tokens{Access: token}, m.versionAtSignIn(ctx, in, host))
	return account, m.tokenWarnings(in, account, told), err
}

// checkForm refuses what cannot be a personal access token, before it is sent.
func (m *Manager) checkForm(in store.Instance, token secret.Text) error {
	if !isToken(token.Reveal()) {
		return invalidToken(in, "the personal access token is empty, or has characters that belong in none")
	}
	if kind := m.Provider.OtherToken(token.Reveal()); kind != "" {
		return invalidToken(in, "this is no personal access token, but "+kind)
	}
	return nil
}

// stillGood reports what GitLab says of a token that it takes no more.
func stillGood(in store.Instance, t providers.PersonalToken, now time.Time) error {
	switch {
	case t.Revoked:
		return invalidToken(in, "the personal access token was revoked")
	case !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return invalidToken(in, "the personal access token has expired on "+day(t.ExpiresAt))
	}
	return nil
}

// invalidWhereRefused turns GitLab's refusal of a request into one of the token.
func invalidWhereRefused(in store.Instance, err error) error {
	var answer *protocol.Error
	if errors.As(err, &answer) && answer.Status == http.StatusUnauthorized {
		return invalidToken(in, "GitLab does not accept the personal access token: it was mistyped, has expired or was revoked")
	}
	return err
}

func invalidToken(in store.Instance, problem string) error {
	return &protocol.Error{
		Code:     protocol.InvalidToken,
		Message:  problem,
		Hint:     "Make a new one in GitLab under User settings > Access tokens, with the " + ScopeWords(in.Scopes) + "." + orOtherwise(in),
		Instance: in.ID,
		Details:  &protocol.ErrorDetails{Scopes: in.Scopes, Methods: Methods(in)},
	}
}

// orOtherwise says that there are other ways to sign in, where there are.
func orOtherwise(in store.Instance) string {
	if in.ClientID == "" {
		return ""
	}
	return ` Or sign in with the method "browser".`
}

// tokenWarnings are what the user should know of a token that is good.
func (m *Manager) tokenWarnings(in store.Instance, account store.Account, told bool) []string {
	warnings := []string{}
	if account.TokenKind != protocol.TokenPersonal {
		warnings = append(warnings, fmt.Sprintf("This is a %s access token: GitLab is called as the bot %s, which sees only its %[1]s, and not as you.", account.TokenKind, account.User.Username))
	}
	switch missing := MissingScopes(in.Scopes, account.Scopes); {
	case !told:
		warnings = append(warnings, "This GitLab does not tell the scopes of a token, or when it ends.")
	case len(missing) > 0:
		warnings = append(warnings, "The token lacks the "+ScopeWords(missing)+": calls that need more than "+strings.Join(account.Scopes, ", ")+" will be refused.")
	}
	if warning := ExpiryWarning(account, m.Now(), warnAtSignIn); warning != "" {
		warnings = append(warnings, warning)
	}
	return warnings
}

const (
	// warnAtSignIn is how long before its end a token is warned about when the user
	// signs in with it, and WarnInUse when it is used.
	warnAtSignIn = 14 * 24 * time.Hour
	WarnInUse    = 7 * 24 * time.Hour
)

// ExpiryWarning is a sentence about a personal access token that ends within a
// time, or "".
func ExpiryWarning(account store.Account, now time.Time, within time.Duration) string {
	if account.Method != protocol.MethodToken || account.Refused != "" || !now.Before(account.ExpiresAt) || now.Add(within).Before(account.ExpiresAt) {
		return ""
	}
	return fmt.Sprintf("The personal access token of %s for %s ends on %s. Make a new one in GitLab under User settings > Access tokens, and sign in with it: it takes the place of this one.",
		account.User.Username, account.Instance, day(account.ExpiresAt))
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// revokePersonal revokes a personal access token at GitLab.
func (m *Manager) revokePersonal(ctx context.Context, account store.Account, tokens store.Tokens) error {
	var in store.Instance
	err := m.Store.View(func(tx *store.Tx) (err error) {
		in, _, err = m.Instances.Application(tx, account.Instance, account.ClientID)
		return err
	})
	if err != nil {
		return err
	}
	base, err := m.Transport(in)
	if err != nil {
		return err
	}
	err = m.host(base, in.ID, account.Method, tokens.Access).RevokePersonalToken(ctx)
	var answer *protocol.Error
	switch {
	case errors.As(err, &answer) && answer.Status == http.StatusUnauthorized:
		return nil // GitLab takes it no more
	case errors.Is(err, protocol.NotFound):
		since := m.Provider.Since(providers.TokenRevokesItself)
		return &protocol.Error{
			Code:     protocol.UnsupportedVersion,
			Message:  "this GitLab lets no token revoke itself, as " + since + " and newer do",
			Instance: in.ID,
			Details:  &protocol.ErrorDetails{Version: in.Version, NeedsVersion: since},
		}
	}
	return err
}

// notHandedOut is the error for a personal access token that an editor asks for.
func notHandedOut(account store.Account) error {
	return &protocol.Error{
		Code:     protocol.InvalidToken,
		Message:  account.User.Username + " is signed in by a personal access token, which the agent does not hand out",
		Hint:     `Call GitLab with gitlabSM/request, which sends it. For git, use codestream-agent git-credential. Or sign in with the method "browser", whose tokens are short-lived.`,
		Instance: account.Instance,
	}
}
