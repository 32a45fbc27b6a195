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
// application than the one that is about to count; the zero value: none. They are
// forgotten in the transaction that changes it, so that nobody sees one without the
// other, and their tokens are revoked afterwards, with the settings that were there
// before.
type foreign struct {
	to      store.Instance
	leaving []*auth.Farewell
}

// foreignAccounts returns the accounts that cannot stay once the instance is saved.
// They have to end. Waiting for them ends with ctx.
func (s *session) foreignAccounts(ctx context.Context, in store.Instance) (foreign, error) {
	f := foreign{to: in}
	accounts, err := s.accountsOf(in.ID)
	for _, account := range accounts {
		if !f.isOne(account) {
			continue
		}
		farewell, err := s.auth.Farewell(ctx, account.Key())
		if err != nil {
			f.end()
			return foreign{}, err
		}
		if farewell.Account.ID == "" || !f.isOne(farewell.Account) { // meanwhile, in another window
			farewell.End()
			continue
		}
		f.leaving = append(f.leaving, farewell)
	}
	return f, err
}

func (f foreign) isOne(account store.Account) bool {
	return account.Method != protocol.MethodToken && account.ClientID != f.to.ClientID
}

// forget forgets the accounts. One that has come since they were listed is good no more,
// and one that the application issued which counts from now on is again.
func (f foreign) forget(tx *store.Tx) (err error) {
	if f.to.ID == "" {
		return nil
	}
	for _, farewell := range f.leaving {
		err = errors.Join(err, farewell.Forget(tx))
	}
	left, listErr := tx.AccountsOf(f.to.ID)
	err = errors.Join(err, listErr)
	for _, account := range left {
		switch {
		case f.isOne(account):
			err = errors.Join(err, tx.SetRefused(account.Key(), auth.ReasonOtherApplication))
		case account.Refused == auth.ReasonOtherApplication:
			err = errors.Join(err, tx.SetRefused(account.Key(), ""))
		}
	}
	return err
}

// revoke revokes the tokens, and returns what the user should know.
func (f foreign) revoke(ctx context.Context) (warnings []string) {
	if len(f.leaving) > 0 {
		warnings = append(warnings, fmt.Sprintf("The application ID is another: %d account(s) have to sign in again.", len(f.leaving)))
	}
	for _, farewell := range f.leaving {
		if r := farewell.Revoke(ctx); r.Failure != nil {
			warnings = append(warnings, auth.RevocationWarning(farewell.Account, r.Failure))
		}
	}
	return warnings
}

func (f foreign) end() {
	for _, farewell := range f.leaving {
		farewell.End()
	}
}
