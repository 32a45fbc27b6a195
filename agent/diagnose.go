package agent

import (
	"context"
	"errors"
	"fmt"

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

func (a *Agent) diagnose(ctx context.Context, p protocol.DiagnoseParams) (protocol.DiagnoseResult, error) {
	s, err := a.ready()
	d := new(diagnosis)
	if !d.add("store", "", "the store in "+s.store.Dir()+" can be read", err) {
		return protocol.DiagnoseResult{Checks: d.checks}, nil
	}
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
