package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// ofAccount are the checks of one account.
var ofAccount = []check{
	{"token", nil, lookToken},
	{"account", []string{"token", "instance"}, lookAccount},
	{"rateLimit", []string{"account"}, lookRateLimit},
}

// patientAccount is an account under examination.
type patientAccount struct {
	store.Account
	answer http.Header // of the last call as the account
}

// begin turns to the next account, for which the checks are made anew.
func (p *patient) begin(account store.Account) {
	p.account = &patientAccount{Account: account}
	for _, c := range ofAccount {
		delete(p.failed, c.name)
	}
}

// who names the account in the report.
func (p *patient) who() string {
	if p.Names {
		return fmt.Sprintf("account %s (%s)", p.account.ID, p.account.User.Username)
	}
	return "account " + p.account.ID
}

// nameless takes the names of the account's user out of a text, unless they were
// asked for.
func (p *patient) nameless(text string) string {
	if p.Names {
		return text
	}
	user := p.account.User
	for _, name := range []string{user.Email, user.Name, user.Username} {
		text = replaceWord(text, name, "account "+p.account.ID)
	}
	return text
}

// replaceWord replaces what stands as a word of its own.
func replaceWord(text, word, with string) string {
	isPart := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	var out strings.Builder
	for word != "" {
		before, after, found := strings.Cut(text, word)
		if !found {
			break
		}
		out.WriteString(before)
		last, next := []rune(before), []rune(after)
		if len(last) > 0 && isPart(last[len(last)-1]) || len(next) > 0 && isPart(next[0]) {
			out.WriteString(word)
		} else {
			out.WriteString(with)
		}
		text = after
	}
	return out.String() + text
}

// lookToken says what is known here of the account's tokens. It asks nobody.
func lookToken(ctx context.Context, p *patient) finding {
	account, hasRefresh, err := p.Inspect(ctx, p.account.Key())
	if err != nil {
		return p.because(err)
	}
	f := describeToken(p.Instance, account, hasRefresh, time.Now())
	f.detail = p.who() + " has " + f.detail
	return f
}

func describeToken(in store.Instance, account store.Account, hasRefresh bool, now time.Time) finding {
	what := "a token by the method " + string(account.Method)
	if account.TokenKind != "" {
		what = fmt.Sprintf("a %s access token", account.TokenKind)
	}
	if account.Scopes != nil {
		what += ", with the " + auth.ScopeWords(account.Scopes)
	}
	detail := what + ", " + life(account, hasRefresh, now)
	ended := !account.ExpiresAt.IsZero() && !now.Before(account.ExpiresAt)
	switch missing := auth.MissingScopes(in.Scopes, account.Scopes); {
	case ended && !hasRefresh:
		return fail("Sign in again with gitlabSM/authenticate.", "%s", detail)
	case auth.ExpiryWarning(account, now, auth.WarnInUse) != "":
		return warn("Make a new one in GitLab under User settings > Access tokens, and sign in with it: it takes the place of this one.", "%s", detail)
	case account.Scopes != nil && len(missing) > 0:
		return warn("Sign in again with a token or an application that has them, or ask for less with scopes in gitlabSM/configure.", "%s; it lacks the %s", detail, auth.ScopeWords(missing))
	}
	return pass("%s", detail)
}

// life says how long the account's tokens live.
func life(account store.Account, hasRefresh bool, now time.Time) string {
	if account.ExpiresAt.IsZero() {
		return "which does not expire, as far as GitLab says"
	}
	at := account.ExpiresAt.UTC().Format(time.RFC3339)
	verb := "ends"
	if !now.Before(account.ExpiresAt) {
		verb = "ended"
	}
	switch {
	case hasRefresh:
		return fmt.Sprintf("which %s at %s and is refreshed with its next use then", verb, at)
	case account.Method == protocol.MethodToken:
		return fmt.Sprintf("which %s at %s", verb, at)
	}
	return fmt.Sprintf("which %s at %s, and without a refresh token", verb, at)
}

// lookAccount calls GitLab as the account. The call refreshes the token where it
// has to be, as any other.
func lookAccount(ctx context.Context, p *patient) finding {
	in, account := p.Instance, p.account
	client, err := p.Client(in, account.Key())
	if err != nil {
		return p.because(err)
	}
	answers := &witness{}
	client.Transport = watched{client.Transport, answers}
	host := p.Provider.Host(in.ID, client)
	_, err = host.CurrentUser(ctx)
	account.answer = answers.observed().header
	switch {
	case errors.Is(err, protocol.InsufficientScope):
		f := p.because(err)
		f.status = protocol.CheckWarn // GitLab knows the token
		return f
	case err != nil:
		return p.because(err)
	}
	if p.caller == nil {
		p.caller = host
	}
	return pass("GitLab accepts the sign-in of %s", p.who())
}

// lookRateLimit reads what GitLab says of the limit in the answer to the call
// (https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/).
func lookRateLimit(_ context.Context, p *patient) finding {
	return describeLimit(p.account.answer)
}

func describeLimit(h http.Header) finding {
	limit, errLimit := strconv.Atoi(h.Get("RateLimit-Limit"))
	left, errLeft := strconv.Atoi(h.Get("RateLimit-Remaining"))
	if errLimit != nil || errLeft != nil || limit <= 0 || left < 0 {
		return pass("GitLab names no limit")
	}
	detail := fmt.Sprintf("%d of %d requests are left", left, limit)
	if reset, err := strconv.ParseInt(h.Get("RateLimit-Reset"), 10, 64); err == nil && reset > 0 {
		detail += ", until " + time.Unix(reset, 0).UTC().Format(time.RFC3339)
	}
	if left*10 < limit {
		return warn("Something asks GitLab very often as this user or from this address: wait, and look for other programs. An administrator can raise the limit under Admin > Settings > Network.", "%s", detail)
	}
	return pass("%s", detail)
}

// atLast are the checks that an account has to ask for.
var atLast = []check{{"version", []string{"instance"}, lookVersion}}

func lookVersion(ctx context.Context, p *patient) finding {
	if p.caller == nil {
		if slices.ContainsFunc(p.report, func(c protocol.Check) bool { return c.Name == "account" }) {
			return skip("no account can ask for it, and GitLab does not tell its version to strangers")
		}
		return skip("nobody is signed in, and GitLab does not tell its version to strangers")
	}
	version, err := p.caller.Version(ctx)
	switch {
	case errors.Is(err, protocol.InsufficientScope):
		return skip("the token's scopes do not let it ask for the version")
	case err != nil:
		return p.because(err)
	}
	return p.describeVersion(version)
}
