package agent

import (
	"context"
	"errors"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	// minRetry and maxRetry are between attempts to bring the accounts in line; the
	// delay doubles.
	minRetry = time.Second
	maxRetry = time.Minute
	// rememberInterval is how often a session notes that its settings name a registry.
	rememberInterval = 12 * time.Hour
)

// keepInLine brings the accounts in line with the team's registry each time that its
// state is kept: what an earlier session has not come to the end of too. It tries
// again where that fails, until ctx ends.
func (a *Agent) keepInLine(ctx context.Context, s *session, at team.Place, kept <-chan struct{}) {
	named := time.NewTicker(rememberInterval)
	defer named.Stop()
	a.remember(s, at)
	delay := minRetry
	var retry <-chan time.Time
	for {
		select {
		case <-kept:
		case <-retry:
		case <-named.C:
			a.remember(s, at)
			continue
		case <-ctx.Done():
			return
		}
		if retry = nil; a.reconcile(ctx, s, at) {
			delay = minRetry
			continue
		}
		retry = time.After(delay)
		delay = min(2*delay, maxRetry)
	}
}

func (a *Agent) remember(s *session, at team.Place) {
	if err := s.shared.Remember(at); err != nil {
		a.log.Warn("it could not be noted that the team's registry is in use", "registry", at.Name, "error", err)
	}
}

// reconcile signs out of instances that were withdrawn, and notes which accounts
// have to sign in again, since the team's application is another by now. It reports
// whether all that is done.
func (a *Agent) reconcile(ctx context.Context, s *session, at team.Place) (done bool) {
	withdrawn, err := s.shared.Withdrawn(at)
	for _, in := range withdrawn {
		err = errors.Join(err, a.signOutWithdrawn(ctx, s, in))
	}
	err = errors.Join(err, s.judgeForeign())
	if err != nil && ctx.Err() == nil {
		a.log.Warn("the accounts are not in line with the team's registry yet", "registry", at.Name, "error", err)
	}
	s.news.announce()
	return err == nil
}

// signOutWithdrawn signs out the accounts of an instance that was withdrawn, unless
// something else serves them, and then forgets it: where a sign-in comes to its end
// meanwhile, that account too.
func (a *Agent) signOutWithdrawn(ctx context.Context, s *session, in store.Shared) error {
	unserved := func(tx *store.Tx) (accounts []store.Account, err error) {
		all, err := tx.AccountsOf(in.ID)
		for _, account := range all {
			serves, servesErr := s.team.Serves(tx, account)
			if err = errors.Join(err, servesErr); !serves {
				accounts = append(accounts, account)
			}
		}
		return accounts, err
	}
	return a.signOut(ctx, s, unserved, func(tx *store.Tx) error {
		now, err := tx.SharedInstance(in.Bucket, in.ID)
		if errors.Is(err, store.ErrNotFound) || err == nil && !now.Withdrawn { // it is gone, or back
			return nil
		}
		return errors.Join(err, tx.DeleteShared(in.Bucket, in.ID))
	})
}

// signOut revokes and forgets accounts until none is left of those that which names,
// and then runs last in the same transaction. The user is told of what could not be
// revoked.
func (a *Agent) signOut(ctx context.Context, s *session, which func(*store.Tx) ([]store.Account, error), last func(*store.Tx) error) error {
	for {
		var left []store.Account
		err := s.store.Update(func(tx *store.Tx) (err error) {
			if left, err = which(tx); err != nil || len(left) > 0 {
				return err
			}
			return last(tx)
		})
		if err != nil || len(left) == 0 {
			return err
		}
		warnings, err := s.dropAccounts(ctx, left)
		for _, warning := range warnings {
			a.showMessage(protocol.MessageWarning, warning)
		}
		if err != nil {
			return err
		}
	}
}

// dropAccounts revokes and forgets accounts.
func (s *session) dropAccounts(ctx context.Context, accounts []store.Account) (warnings []string, err error) {
	for _, account := range accounts {
		r, err := s.auth.Disconnect(ctx, account.Key(), account.Method != protocol.MethodToken)
		if err != nil {
			return warnings, err
		}
		if r.Failure != nil {
			warnings = append(warnings, auth.RevocationWarning(account, r.Failure))
		}
	}
	return warnings, nil
}

// judgeForeign notes which accounts of the team's instances hold tokens of another
// application than the one that counts, and which do so no more. Their tokens stay:
// whoever configured the other one may have mistyped it.
func (s *session) judgeForeign() error {
	instances, err := s.team.List()
	if err != nil {
		return err
	}
	var reasons map[store.AccountKey]string
	judge := func(tx *store.Tx) (err error) {
		reasons = make(map[store.AccountKey]string)
		for _, in := range instances {
			now, err := s.team.Instance(tx, in.ID)
			if err != nil { // it was withdrawn meanwhile, or is offered only
				continue
			}
			accounts, err := tx.AccountsOf(in.ID)
			if err != nil {
				return err
			}
			for _, account := range accounts {
				serves, err := s.team.Serves(tx, account)
				if err != nil {
					return err
				}
				isGivenUp := !serves && in.Source == protocol.SourceTeam && account.ClientID != now.ClientID
				switch {
				case isGivenUp && account.Refused == "":
					reasons[account.Key()] = auth.ReasonOtherApplication
				case serves && account.Refused == auth.ReasonOtherApplication:
					reasons[account.Key()] = ""
				}
			}
		}
		return nil
	}
	if err := s.store.View(judge); err != nil || len(reasons) == 0 {
		return err
	}
	return s.store.Update(func(tx *store.Tx) error {
		err := judge(tx)
		for key, reason := range reasons {
			err = errors.Join(err, tx.SetRefused(key, reason))
		}
		return err
	})
}
