package agent

import (
	"context"
	"errors"
	"net/http"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/doctor"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

func (a *Agent) diagnose(ctx context.Context, p protocol.DiagnoseParams) (protocol.DiagnoseResult, error) {
	report := protocol.DiagnoseResult{
		Version: a.config.Version, OS: runtime.GOOS, Arch: runtime.GOARCH, Time: time.Now().UTC().Truncate(time.Second),
	}
	s, err := a.ready()
	var found team.Found
	if err == nil {
		found, err = s.team.Survey()
	}
	var cases []doctor.Case
	if err == nil {
		cases, err = s.cases(found.Instances, p.Instance)
	}
	var code protocol.Code
	if errors.As(err, &code) && slices.Contains(noSuchInstance, code) {
		return protocol.DiagnoseResult{}, err
	}
	report.Checks = append(report.Checks, a.checkStore(s, err))
	if err == nil {
		report.Checks = append(report.Checks, a.checkKeyring(s.store))
		report.Checks = append(report.Checks, a.checkRegistry(s)...)
	}
	report.Checks = append(report.Checks, a.checkBrowser())
	report.Checks = append(report.Checks, a.checkSources(found)...)
	report.Checks = append(report.Checks, a.doctor(s, p.Names).Examine(ctx, cases)...)
	if !p.Names {
		home, _ := os.UserHomeDir() // where there is none, there is nothing to hide
		for i, check := range report.Checks {
			report.Checks[i].Detail, report.Checks[i].Hint = doctor.Homeless(check.Detail, home), doctor.Homeless(check.Hint, home)
		}
	}
	return report, ctx.Err()
}

// noSuchInstance are the errors of an instance that cannot be examined.
var noSuchInstance = []protocol.Code{protocol.NotConfigured, protocol.InvalidParams, protocol.Untrusted, protocol.Conflict}

// cases are the instances to examine with their accounts: one, or for "" all that
// may be used.
func (s *session) cases(instances []team.Instance, only string) (cases []doctor.Case, err error) {
	if only != "" {
		one, err := usable(s.team.Resolve(only))
		if err != nil {
			return nil, err
		}
		instances = []team.Instance{one}
	}
	for _, in := range instances {
		if in.NeedsApproval {
			continue
		}
		accounts, err := s.accountsOf(in.ID)
		if err != nil {
			return nil, err
		}
		cases = append(cases, doctor.Case{Instance: in.Instance, Accounts: accounts})
	}
	return cases, nil
}

// doctor makes one for the session.
func (a *Agent) doctor(s *session, names bool) *doctor.Doctor {
	return &doctor.Doctor{
		Provider:         a.provider,
		Network:          a.network,
		Transport:        a.unusedTransport,
		CheckApplication: s.auth.CheckConfigured,
		CheckScopes:      s.auth.CheckScopes,
		Inspect:          s.auth.Inspect,
		Client:           s.auth.Client,
		Explain:          a.explain,
		Panicked:         func(value any) { a.log.Error("an examination has panicked", "panic", value) },
		Names:            names,
	}
}

// unusedTransport makes a transport without a connection, so that a diagnosis sees
// one being made.
func (a *Agent) unusedTransport(n protocol.Network) (http.RoundTripper, func(), error) {
	transports := &providers.Transports{UserAgent: a.transports.UserAgent, Log: a.transports.Log}
	transport, err := transports.Get(n)
	return transport, transports.CloseIdle, err
}

// explain says what an error means in the words of the wire.
func (a *Agent) explain(err error) (message, hint string) {
	if !isKnown(err) {
		err = internal(a.log, protocol.Diagnose.Method(), err)
	}
	known := inWords(a.withoutSecrets(err))
	return known.Message, known.Hint
}

func (a *Agent) checkStore(s *session, err error) protocol.Check {
	if err == nil {
		return protocol.Check{Name: "store", Status: protocol.CheckPass, Detail: "the store in " + s.store.Dir() + " can be read"}
	}
	message, hint := a.explain(err)
	return protocol.Check{Name: "store", Status: protocol.CheckFail, Detail: message, Hint: hint}
}

// checkKeyring tells whether the keyring seals what is kept on disk.
func (a *Agent) checkKeyring(st *store.Store) protocol.Check {
	c := protocol.Check{Name: "keyring"}
	state, err := st.KeyState()
	switch {
	case err != nil:
		c.Status = protocol.CheckFail
		c.Detail, c.Hint = a.explain(err)
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
	return c
}

// checkRegistry tells how it stands with the team's registry, where one is set.
// While it is away, what was last seen serves.
func (a *Agent) checkRegistry(s *session) []protocol.Check {
	if err := s.registry.unusable(); err != nil {
		message, hint := a.explain(err)
		return []protocol.Check{{Name: "registry", Status: protocol.CheckFail, Detail: message, Hint: hint}}
	}
	r := s.registry.inUse()
	if r == nil {
		return nil
	}
	c := protocol.Check{Name: "registry", Status: protocol.CheckPass, Detail: "the team's registry " + r.Name() + " answers"}
	switch state := r.State(); {
	case state.Connected:
	case state.Problem != nil:
		c.Status = protocol.CheckWarn
		c.Detail, c.Hint = a.explain(state.Problem)
	default:
		c.Status, c.Detail, c.Hint = protocol.CheckWarn, "the team's registry "+r.Name()+" has not answered yet", "Ask again in a moment."
	}
	return []protocol.Check{c}
}

func (a *Agent) checkBrowser() protocol.Check {
	a.mu.Lock()
	who := doctor.Browser{Mode: a.options.Browser, EditorShows: a.client.capabilities.ShowDocument.Support}
	a.mu.Unlock()
	return doctor.ThisMachine().Browser(who)
}
