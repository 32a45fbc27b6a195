package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// diagnosis collects checks in the order in which they are made.
type diagnosis struct{ checks []protocol.Check }

// add notes the outcome of a check, and reports whether it passed.
func (d *diagnosis) add(name, instance, detail string, err error) bool {
	c := protocol.Check{Name: name, Instance: instance, Status: protocol.CheckPass, Detail: detail}
	if err != nil {
		c.Status = protocol.CheckFail
		c.Detail, c.Hint = wireError(err).Message, ""
		var known *protocol.Error
		if errors.As(err, &known) {
			c.Hint = known.Hint
		}
	}
	d.checks = append(d.checks, c)
	return err == nil
}

func (d *diagnosis) skip(name, instance, why string) {
	d.checks = append(d.checks, protocol.Check{Name: name, Instance: instance, Status: protocol.CheckSkip, Detail: why})
}

// addKeyring notes whether the keyring seals what is kept on disk.
func (d *diagnosis) addKeyring(st *store.Store) {
	c := protocol.Check{Name: "keyring"}
	state, err := st.KeyState()
	switch {
	case err != nil:
		d.add(c.Name, "", "", err)
		return
	case state.Place == store.PlaceKeyring && state.Problem == nil:
		c.Status, c.Detail = protocol.CheckPass, "the keyring holds the key that seals secrets on disk"
	case errors.Is(state.Problem, store.ErrKeyLost):
		c.Status, c.Detail = protocol.CheckFail, "the key that seals secrets on disk is gone from the keyring"
		c.Hint = "Configure the instance again if it has a client secret, and sign in again: a new key is then made."
	case state.Place == store.PlaceKeyring:
		c.Status, c.Detail = protocol.CheckFail, state.Problem.Error()
		c.Hint = "Unlock the keyring: sign in to the desktop session, or open its password manager. What is signed in again meanwhile is kept with a key file."
	case state.Problem != nil:
		c.Status, c.Detail = protocol.CheckWarn, "secrets on disk are sealed with a key file that only you can read, because "+state.Problem.Error()
		c.Hint = `Have a keyring unlocked in this session, and "keyring" set to "system", if the key should be there: it then moves with the next sign-in.`
	case state.Place == store.PlaceFile:
		c.Status, c.Detail = protocol.CheckWarn, "secrets on disk are sealed with a key file, and the keyring answers"
		c.Hint = "Nothing to do: the key moves to the keyring with the next secret that is written. Sign in again to see to it now."
	default:
		c.Status, c.Detail = protocol.CheckPass, "no secret is on disk yet, and the keyring answers"
	}
	d.checks = append(d.checks, c)
}

func (a *Agent) diagnose(ctx context.Context, p protocol.DiagnoseParams) (protocol.DiagnoseResult, error) {
	s, err := a.ready()
	d := new(diagnosis)
	if !d.add("store", "", "the store in "+s.store.Dir()+" can be read", err) {
		return protocol.DiagnoseResult{Checks: d.checks}, nil
	}
	d.addKeyring(s.store)
	instances, err := s.team.List()
	if p.Instance != "" {
		var one team.Instance
		one, err = s.team.Resolve(p.Instance)
		instances = []team.Instance{one}
	}
	if err != nil {
		return protocol.DiagnoseResult{}, err
	}
	for _, in := range instances {
		a.diagnoseInstance(ctx, d, s, in)
		if ctx.Err() != nil {
			return protocol.DiagnoseResult{}, ctx.Err()
		}
	}
	return protocol.DiagnoseResult{Checks: d.checks}, nil
}

func (a *Agent) diagnoseInstance(ctx context.Context, d *diagnosis, s *session, in team.Instance) {
	reached := d.add("instance", in.ID, "GitLab answers", a.probe(ctx, d, in))
	accounts, err := s.accountsOf(in.ID)
	if !reached {
		d.skip("application", in.ID, "not asked, since the instance does not answer")
		d.skip("account", in.ID, "not asked, since the instance does not answer")
		return
	}
	if in.ClientID == "" {
		d.skip("application", in.ID, "no application ID is configured: only personal access tokens can be used")
	} else {
		d.add("application", in.ID, "GitLab knows the application and its secret", a.withoutSecrets(s.auth.CheckConfigured(ctx, in.Instance)))
	}
	if err != nil || len(accounts) == 0 {
		d.skip("account", in.ID, "nobody is signed in")
		return
	}
	for _, account := range accounts {
		host, err := a.host(in.ID, account.ID)
		if err == nil {
			_, err = host.CurrentUser(ctx)
		}
		d.add("account", in.ID, fmt.Sprintf("GitLab accepts the sign-in of account %s", account.ID), a.withoutSecrets(err))
	}
}

// probe asks the instance who it is. What the person should know is a check of
// its own.
func (a *Agent) probe(ctx context.Context, d *diagnosis, in team.Instance) error {
	transport, err := a.transport(in.Instance)
	if err != nil {
		return err
	}
	found, err := a.provider.Probe(ctx, providers.NewClient(transport, in.ID), in.ID)
	for _, warning := range found.Warnings {
		d.checks = append(d.checks, protocol.Check{Name: "address", Instance: in.ID, Status: protocol.CheckWarn, Detail: warning})
	}
	return err
}
