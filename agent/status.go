package agent

import (
	"context"
	"maps"
	"slices"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

func (a *Agent) status(_ context.Context, p protocol.StatusParams) (protocol.StatusResult, error) {
	s, err := a.ready()
	if err != nil {
		return protocol.StatusResult{}, err
	}
	v, err := s.view()
	unlisted := v.unlisted()
	if err == nil && p.Instance != "" {
		var one team.Instance
		one, err = s.team.ResolveLast(p.Instance)
		if v.instances = nil; one.Source != "" {
			v.instances = []team.Instance{one}
		}
		unlisted = slices.DeleteFunc(unlisted, func(account protocol.Account) bool { return account.Instance != one.ID })
	}
	return protocol.StatusResult{
		Instances: v.described(s),
		Unlisted:  unlisted,
		Store:     protocol.Store{DataDir: s.store.Dir(), Key: describeKey(v.key)},
		Registry:  v.registry,
		Problems:  v.problems,
	}, err
}

func describeKey(place store.Place) protocol.StoreKey {
	switch place {
	case store.PlaceKeyring:
		return protocol.StoreKeyKeyring
	case store.PlaceFile:
		return protocol.StoreKeyFile
	}
	return protocol.StoreKeyNone
}

// view is the state on disk at one moment.
type view struct {
	instances []team.Instance
	accounts  map[string][]store.Account // by instance
	key       store.Place                // of the key that seals new secrets
	registry  *protocol.RegistryStatus   // nil: none is set
	problems  []protocol.Problem
	whole     bool // every source answers
}

func (s *session) view() (v view, err error) {
	s.team.Load()
	var found team.Found
	err = s.store.View(func(tx *store.Tx) error {
		if found, err = s.team.SurveyIn(tx); err != nil {
			return err
		}
		accounts, err := tx.Accounts()
		v.accounts = make(map[string][]store.Account)
		for _, account := range accounts {
			v.accounts[account.Instance] = append(v.accounts[account.Instance], account)
		}
		if err != nil {
			return err
		}
		v.key, err = tx.KeyPlace()
		return err
	})
	v.instances, v.whole = found.Instances, !found.Incomplete
	v.registry, v.problems = s.describeRegistry(), s.problems(found)
	return v, err
}

// unlisted returns the accounts of instances that are not listed, in their order.
func (v view) unlisted() (list []protocol.Account) {
	for _, id := range slices.Sorted(maps.Keys(v.accounts)) {
		if slices.ContainsFunc(v.instances, func(in team.Instance) bool { return in.ID == id }) {
			continue
		}
		for _, account := range v.accounts[id] {
			list = append(list, describeAccount(account))
		}
	}
	return list
}

// described returns the instances in the form of the protocol.
func (v view) described(s *session) []protocol.Instance {
	list := make([]protocol.Instance, len(v.instances))
	for i, in := range v.instances {
		list[i] = describe(in, v.accounts[in.ID], s.auth.Pending(in.ID))
	}
	return list
}

// describe returns one instance in the form of the protocol.
func (s *session) describe(in team.Instance) (protocol.Instance, error) {
	accounts, err := s.accountsOf(in.ID)
	return describe(in, accounts, s.auth.Pending(in.ID)), err
}

func (s *session) accountsOf(instance string) (accounts []store.Account, err error) {
	err = s.store.View(func(tx *store.Tx) error {
		accounts, err = tx.AccountsOf(instance)
		return err
	})
	return accounts, err
}

func describe(in team.Instance, accounts []store.Account, pending bool) protocol.Instance {
	return protocol.Instance{
		ID: in.ID, URL: in.ID, Name: in.Name,
		ClientID: in.ClientID, Confidential: in.Confidential,
		RedirectURI: auth.RegisteredRedirect(in.RedirectURI),
		Scopes:      orEmpty(in.Scopes), SSHHosts: orEmpty(in.SSHHosts),
		Source: in.Source, Origin: in.Origin, Version: in.Version,
		NeedsApproval: in.NeedsApproval, Offer: describeOffer(in), Conflicts: in.Conflicts,
		Methods: auth.Methods(in.Instance),
		Auth:    describeAuth(accounts, pending),
	}
}

func describeAuth(accounts []store.Account, pending bool) protocol.Auth {
	state := protocol.Auth{State: protocol.StateSignedOut, Accounts: make([]protocol.Account, len(accounts))}
	for i, account := range accounts {
		state.Accounts[i] = describeAccount(account)
		switch {
		case account.Refused == "":
			state.State, state.Reason = protocol.StateSignedIn, ""
		case state.State == protocol.StateSignedOut:
			state.State, state.Reason = protocol.StateSignInRequired, account.Refused
		}
	}
	if pending {
		state.State, state.Reason = protocol.StatePending, ""
	}
	return state
}

func describeAccount(account store.Account) protocol.Account {
	described := protocol.Account{
		ID: account.ID, Instance: account.Instance, User: account.User,
		Method: account.Method, Scopes: orEmpty(account.Scopes), TokenKind: account.TokenKind,
		State: protocol.StateSignedIn,
	}
	if account.Refused != "" {
		described.State, described.Reason = protocol.StateSignInRequired, account.Refused
	}
	if account.Refused == "" && !account.ExpiresAt.IsZero() {
		described.ExpiresAt = wireTime(account.ExpiresAt)
	}
	return described
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
