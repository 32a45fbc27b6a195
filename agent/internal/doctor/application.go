package doctor

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// application are the checks of the OAuth application.
var application = []check{
	{"application", []string{"instance"}, lookApplication},
	{"redirect", []string{"application"}, lookRedirect},
	{"scopes", []string{"application"}, lookScopes},
}

const noApplication = "no application ID is configured: only personal access tokens can be used"

func lookApplication(ctx context.Context, p *patient) finding {
	if p.Instance.ClientID == "" {
		return skip(noApplication)
	}
	if err := p.CheckApplication(ctx, p.Instance); err != nil {
		return p.because(err)
	}
	if p.Instance.Confidential {
		return pass("GitLab knows the application and its secret")
	}
	return pass("GitLab knows the application, which has no secret")
}

// lookRedirect goes by what sign-ins have shown. GitLab tells a redirect URI that
// is not registered to a person in a browser, and to nobody else.
func lookRedirect(_ context.Context, p *patient) finding {
	in := p.Instance
	if in.ClientID == "" {
		return skip(noApplication)
	}
	if err := auth.CheckRedirect(in.RedirectURI); err != nil {
		return p.because(err)
	}
	register := auth.RegisteredRedirect(in.RedirectURI)
	if slices.ContainsFunc(p.Accounts, func(account store.Account) bool {
		return issuedBy(in, account) && cameBackTo(register, account.RedirectURI)
	}) {
		return pass("a sign-in came back to %s", register)
	}
	return finding{
		status: protocol.CheckSkip, detail: "GitLab does not say whether the redirect URI is registered, until somebody signs in in the browser",
		hint: "The application in GitLab must have exactly this line among its redirect URIs: " + register,
	}
}

// issuedBy reports whether an account's tokens are of the instance's application.
func issuedBy(in store.Instance, account store.Account) bool {
	return account.ClientID == in.ClientID && account.ClientID != ""
}

// cameBackTo reports whether a redirect URI that was used is a registered one, in
// which the port may have been left open.
func cameBackTo(registered, used string) bool {
	want, err := url.Parse(registered)
	if err != nil {
		return false
	}
	got, err := url.Parse(used)
	if err != nil || used == "" {
		return false
	}
	if want.Port() == "" {
		got.Host = strings.TrimSuffix(got.Host, ":"+got.Port())
	}
	return got.String() == want.String()
}

// lookScopes goes by what sign-ins were granted, which are scopes that the
// application has. Before the first one it asks.
func lookScopes(ctx context.Context, p *patient) finding {
	in := p.Instance
	if in.ClientID == "" {
		return skip(noApplication)
	}
	var granted []string
	for _, account := range p.Accounts {
		if issuedBy(in, account) {
			granted = append(granted, account.Scopes...)
		}
	}
	if granted == nil {
		return p.askScopes(ctx)
	}
	if missing := auth.MissingScopes(in.Scopes, granted); len(missing) > 0 {
		return warn("Tick them in the application's form in GitLab, and sign in again.", "no sign-in was granted the %s yet", auth.ScopeWords(missing))
	}
	return pass("the application has the %s", auth.ScopeWords(in.Scopes))
}

// askScopes asks GitLab where it can be asked, which is where it has the device
// grant.
func (p *patient) askScopes(ctx context.Context) finding {
	in := p.Instance
	var err error = protocol.UnsupportedVersion
	if !in.NoDeviceGrant {
		err = p.CheckScopes(ctx, in)
	}
	switch {
	case err == nil:
		return pass("the application has the %s", auth.ScopeWords(in.Scopes))
	case errors.Is(err, protocol.UnsupportedVersion):
		return finding{
			status: protocol.CheckSkip, detail: "GitLab does not say whether the application has the " + auth.ScopeWords(in.Scopes) + ", until somebody signs in",
			hint: "Tick in the application's form in GitLab: " + strings.Join(in.Scopes, ", "),
		}
	}
	return p.because(err)
}

// lacking lists what is wanted and not granted.
