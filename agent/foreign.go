package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// foreign are the accounts of an instance whose tokens were issued by another
// application than the one that is about to count. They are forgotten in the
// transaction that changes it, so that nobody sees one without the other, and their
// tokens are revoked afterwards, with the settings that were there before.
type foreign []*auth.Farewell

// foreignAccounts returns the accounts that cannot stay once the instance is saved.
// They have to end. Waiting for them ends with ctx.
func (s *session) foreignAccounts(ctx context.Context, in store.Instance) (leaving foreign, err error) {
	accounts, err := s.accountsOf(in.ID)
	for _, account := range accounts {
		if account.Method == protocol.MethodToken || account.ClientID == in.ClientID {
			continue
		}
		farewell, err := s.auth.Farewell(ctx, account.Key())
		if err != nil {
			leaving.end()
			return nil, err
		}
		leaving = append(leaving, farewell)
	}
	return leaving, err
}

func (l foreign) forget(tx *store.Tx) (err error) {
	for _, farewell := range l {
		err = errors.Join(err, farewell.Forget(tx))
	}
	return err
}

// revoke revokes the tokens, and returns what the user should know.
func (l foreign) revoke(ctx context.Context) (warnings []string) {
	for _, farewell := range l {
		if r := farewell.Revoke(ctx); r.Failure != nil {
			warnings = append(warnings, auth.RevocationWarning(farewell.Account, r.Failure))
		}
	}
	if len(l) > 0 {
		warnings = append([]string{fmt.Sprintf("The application ID is another: %d account(s) have to sign in again.", len(l))}, warnings...)
	}
	return warnings
}

func (l foreign) end() {
	for _, farewell := range l {
		farewell.End()
	}
}
