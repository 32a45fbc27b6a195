package agent

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// reasonRefreshed is why an account that stays signed in is told of.
const reasonRefreshed = "refreshed"

// announcer tells the editor of changes: it compares the state on disk with the
// one that the editor was last told, so that it does not matter which process
// made the change, or how often it is called.
type announcer struct {
	agent   *Agent
	session *session

	mu    sync.Mutex // guards what follows, and keeps notifications in order
	last  view
	known bool // last was read

	// shown are the accounts of which the editor knows: those of instances that are
	// listed, or were. One that is still kept is signed in, whatever is listed.
	shown map[store.AccountKey]store.Account
}

// begin notes the state from which changes are told, unless it goes on from that
// of another.
func (n *announcer) begin() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known {
		return nil // the watch begins by telling what has changed
	}
	now, err := n.session.view()
	if errors.Is(err, protocol.StoreDamaged) { // and put aside: what is told is what the new one gets
		if fresh, freshErr := n.session.view(); freshErr == nil {
			n.note(fresh)
		}
	}
	if err == nil {
		n.note(now)
	}
	return err
}

// note notes what the editor was told, or can ask for.
func (n *announcer) note(now view) {
	shown := now.listed()
	for key, account := range now.byKey() {
		if _, was := n.shown[key]; was {
			shown[key] = account
		}
	}
	n.last, n.known, n.shown = now, true, shown
}

// goOnFrom takes over what the editor was last told.
func (n *announcer) goOnFrom(previous *announcer) {
	previous.mu.Lock()
	last, known, shown := previous.last, previous.known, previous.shown
	previous.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.known {
		n.last, n.known, n.shown = last, known, shown
	}
}

// announce tells what has changed since it was last called, and reports whether
// it could find out and tell.
func (n *announcer) announce() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.editor().out.isFull() {
		return false // it is told of all changes at once when it reads again
	}
	now, err := n.session.view()
	if err != nil {
		n.agent.log.Warn("the state could not be read", "error", err)
		if n.known && errors.Is(err, protocol.StoreDamaged) { // and has been put aside; at the start, whoever asks hears of it
			n.agent.showMessage(protocol.MessageError, "CodeStream: "+advice(err))
		}
		return false
	}
	n.session.auth.EndOvertaken()
	if n.known {
		if err := n.tell(n.last, now); err != nil { // what was told is told again
			n.agent.log.Warn("a change was not told", "error", err)
			return false
		}
	}
	n.note(now)
	n.agent.warnOfProblems(n.session, now)
	n.agent.offer(n.session, now.instances)
	return now.whole
}

// tell tells how one view differs from another.
func (n *announcer) tell(before, now view) error {
	if !reflect.DeepEqual(before.configured(), now.configured()) {
		err := tell(context.Background(), n.editor(), protocol.DidChangeInstances, protocol.DidChangeInstancesParams{Instances: now.described(n.session)})
		if err != nil {
			return err
		}
	}
	for _, change := range changes(before, now, n.shown) {
		if err := tell(context.Background(), n.editor(), protocol.DidChangeAuthentication, change); err != nil {
			return err
		}
	}
	if reflect.DeepEqual(before.sources(), now.sources()) {
		return nil
	}
	return tell(context.Background(), n.editor(), protocol.DidChangeStatus, protocol.DidChangeStatusParams{Registry: now.registry, Problems: now.problems})
}

func (n *announcer) editor() editor {
	n.agent.mu.Lock()
	defer n.agent.mu.Unlock()
	return n.agent.client.editor
}

// changes compares accounts, instance by instance: those that are listed, then
// those of which the editor knows and that are gone. An instance that is listed
// again is told with its accounts, and one that is listed no more without: nobody
// was signed out.
func changes(before, now view, shown map[store.AccountKey]store.Account) []protocol.DidChangeAuthenticationParams {
	was, still := before.listed(), now.byKey()
	var list []protocol.DidChangeAuthenticationParams
	for _, account := range sorted(now.listed()) {
		earlier, known := was[account.Key()]
		switch {
		case known && earlier.Refused == account.Refused && earlier.Serial == account.Serial:
		case account.Refused != "":
			list = append(list, changed(account, protocol.StateSignInRequired, account.Refused))
		case known && earlier.Refused == "" && earlier.SignedInAt.Equal(account.SignedInAt):
			list = append(list, changed(account, protocol.StateSignedIn, reasonRefreshed))
		default:
			list = append(list, changed(account, protocol.StateSignedIn, ""))
		}
	}
	for _, account := range sorted(shown) {
		if _, kept := still[account.Key()]; !kept {
			list = append(list, changed(account, protocol.StateSignedOut, ""))
		}
	}
	return list
}

func changed(account store.Account, state protocol.AuthState, reason string) protocol.DidChangeAuthenticationParams {
	return protocol.DidChangeAuthenticationParams{
		Instance: account.Instance, Account: account.ID, User: &account.User, State: state, Reason: reason,
	}
}

// configured lists the instances without what is learnt of them in passing, which
// is no change that an editor has to act on; but for what changes the methods that
// it offers for a sign-in.
func (v view) configured() []team.Instance {
	list := slices.Clone(v.instances)
	for i, in := range list {
		list[i].Learnt = store.Learnt{NoDeviceGrant: in.NoDeviceGrant}
	}
	return list
}

// sources returns how it stands with the sources of instances. A registry that is
// away for the same cause is the same: what the system says of it can have a port in
// it, another each time.
func (v view) sources() protocol.DidChangeStatusParams {
	status := protocol.DidChangeStatusParams{Problems: v.problems}
	if v.registry != nil {
		registry := *v.registry
		if problem := registry.Problem; problem != nil && problem.Details != nil && problem.Code == int(protocol.RegistryUnavailable) {
			registry.Problem = &protocol.Problem{Details: &protocol.ErrorDetails{Cause: problem.Details.Cause}}
		}
		status.Registry = &registry
	}
	return status
}

// byKey returns all accounts.
func (v view) byKey() map[store.AccountKey]store.Account {
	all := make(map[store.AccountKey]store.Account)
	for _, accounts := range v.accounts {
		for _, account := range accounts {
			all[account.Key()] = account
		}
	}
	return all
}

// listed returns the accounts of instances that are listed.
func (v view) listed() map[store.AccountKey]store.Account {
	all := make(map[store.AccountKey]store.Account)
	for _, in := range v.instances {
		for _, account := range v.accounts[in.ID] {
			all[account.Key()] = account
		}
	}
	return all
}

// sorted lists accounts in the order of their instances.
func sorted(accounts map[store.AccountKey]store.Account) []store.Account {
	return slices.SortedFunc(maps.Values(accounts), func(a, b store.Account) int {
		return cmp.Or(strings.Compare(a.Instance, b.Instance), strings.Compare(a.ID, b.ID))
	})
}
