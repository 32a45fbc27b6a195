package agent

import (
	"context"
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// signInWithToken signs in by a personal access token. It waits for nobody, so
// there is no progress to show.
func (a *Agent) signInWithToken(ctx context.Context, s *session, in team.Instance, p protocol.AuthenticateParams) (protocol.AuthenticateResult, error) {
	token := secret.New(strings.TrimSpace(p.Token))
	a.seen(token)
	account, warnings, err := s.auth.SignInWithToken(ctx, in.Instance, token)
	if err != nil {
		return protocol.AuthenticateResult{}, a.withoutSecrets(err)
	}
	return protocol.AuthenticateResult{Account: describeAccount(account), Warnings: append(warnings, s.versionWarnings(in)...)}, nil
}

// warnOfEnd shows the user that a personal access token which is in use ends soon,
// once a session.
func (a *Agent) warnOfEnd(account store.Account) {
	warning := auth.ExpiryWarning(account, time.Now(), auth.WarnInUse)
	if warning == "" {
		return
	}
	if _, warned := a.warned.LoadOrStore(account.Key(), true); !warned {
		a.showMessage(protocol.MessageWarning, warning)
	}
}
