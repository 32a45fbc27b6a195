package agent

import (
	"context"
	"errors"
	"reflect"
	"slices"
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
	n.last, n.known = now, err == nil
	return err
}

// goOnFrom takes over what the editor was last told.
func (n *announcer) goOnFrom(previous *announcer) {
	previous.mu.Lock()
	last, known := previous.last, previous.known
	previous.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.known {
		n.last, n.known = last, known
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
			n.agent.showMessage(protocol.MessageError, "CodeStream: "+wireError(err).Message)
		}
		return false
	}
	if n.known {
		if err := n.tell(n.last, now); err != nil { // what was told is told again
			n.agent.log.Warn("a change was not told", "error", err)
			return false
		}
	}
	n.last, n.known = now, true
	n.agent.warnOfProblems(n.session, now)
	n.agent.offer(n.session, now.instances)
	return true
}

// tell tells how one view differs from another.
func (n *announcer) tell(before, now view) error {
	if !reflect.DeepEqual(before.configured(), now.configured()) {
		err := tell(context.Background(), n.editor(), protocol.DidChangeInstances, protocol.DidChangeInstancesParams{Instances: now.described(n.session)})
		if err != nil {
			return err
		}
	}
	for _, change := range changes(before, now) {
		if err := tell(context.Background(), n.editor(), protocol.DidChangeAuthentication, change); err != nil {
			return err
		}
	}
	return nil
}

func (n *announcer) editor() editor {
	n.agent.mu.Lock()
	defer n.agent.mu.Unlock()
	return n.agent.client.editor
}

// changes compares accounts, instance by instance: those that are there, then
// those that are gone.
func changes(before, now view) []protocol.DidChangeAuthenticationParams {
	was := before.byKey()
	var list []protocol.DidChangeAuthenticationParams
	for _, account := range now.inOrder() {
		earlier, known := was[account.Key()]
		delete(was, account.Key())
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
	for _, account := range before.inOrder() {
		if _, gone := was[account.Key()]; gone {
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

func (v view) byKey() map[store.AccountKey]store.Account {
	all := make(map[store.AccountKey]store.Account)
	for _, accounts := range v.accounts {
		for _, account := range accounts {
			all[account.Key()] = account
		}
	}
	return all
}

// inOrder lists the accounts in the order of the instances.
func (v view) inOrder() (list []store.Account) {
	for _, in := range v.instances {
		list = append(list, v.accounts[in.ID]...)
	}
	return list
}
