package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

const (
	// limit is how long one check may take.
	limit = 10 * time.Second

	// together is how many instances are examined at a time.
	together = 4
)

// Doctor is what an examination needs of the agent.
type Doctor struct {
	Provider providers.Provider
	// Network returns the settings with which an instance is reached.
	Network func(in store.Instance) (protocol.Network, error)
	// Transport makes a way to the network that nobody has used yet, and closes it.
	Transport func(n protocol.Network) (transport http.RoundTripper, done func(), err error)
	// CheckApplication asks GitLab about the application, as auth.Manager does.
	CheckApplication func(ctx context.Context, in store.Instance) error
	// CheckScopes asks GitLab whether the application has the instance's scopes, as
	// auth.Manager does.
	CheckScopes func(ctx context.Context, in store.Instance) error
	// Inspect returns an account whose tokens can be used, and whether a refresh token
	// is among them, as auth.Manager does.
	Inspect func(ctx context.Context, key store.AccountKey) (account store.Account, hasRefresh bool, err error)
	// Client returns one that calls the API as the account.
	Client func(in store.Instance, key store.AccountKey) (*http.Client, error)
	// Explain says what an error means, without secrets.
	Explain func(err error) (message, hint string)
	// Panicked is told of a panic, which ends the examination of one instance.
	Panicked func(value any)
	// Names is whether people are named in the report.
	Names bool
}

// Case is an instance with the accounts on it.
type Case struct {
	Instance store.Instance
	Accounts []store.Account
}

// Examine checks instances side by side. The report is in their order. It ends
// early where ctx does.
func (d *Doctor) Examine(ctx context.Context, cases []Case) []protocol.Check {
	reports := make([][]protocol.Check, len(cases))
	slots := make(chan struct{}, together)
	var all sync.WaitGroup
	for i, c := range cases {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			reports[i] = d.examine(ctx, c)
		})
	}
	all.Wait()
	var joined []protocol.Check
	for _, report := range reports {
		joined = append(joined, report...)
	}
	return joined
}

func (d *Doctor) examine(ctx context.Context, c Case) (report []protocol.Check) {
	p := &patient{Doctor: d, Case: c, failed: map[string]string{}}
	defer func() {
		if value := recover(); value != nil {
			d.Panicked(value)
			report = append(p.report, protocol.Check{
				Name: "instance", Instance: c.Instance.ID, Status: protocol.CheckFail, Detail: "the examination itself has failed",
				Hint: "Report this with the agent's log.",
			})
		}
	}()
	p.travel(ctx)
	p.run(ctx, network)
	p.run(ctx, application)
	for _, account := range c.Accounts {
		p.begin(account)
		p.run(ctx, ofAccount)
	}
	p.account = nil
	p.run(ctx, atLast)
	return p.report
}

// patient is an instance under examination.
type patient struct {
	*Doctor
	Case
	trip    trip
	account *patientAccount // the one that is looked at, if one is
	caller  providers.Host  // the API as the first account that may use it sees it

	failed map[string]string // by check, what it failed or was skipped for
	report []protocol.Check
}

// A check is one thing to look at.
type check struct {
	name string
	// needs are the checks without which this one would say nothing new.
	needs []string
	look  func(ctx context.Context, p *patient) finding
}

// finding is what a check found. The zero value is nothing worth a line.
type finding struct {
	status       protocol.CheckStatus
	detail, hint string
}

func pass(format string, args ...any) finding {
	return finding{status: protocol.CheckPass, detail: fmt.Sprintf(format, args...)}
}

func skip(format string, args ...any) finding {
	return finding{status: protocol.CheckSkip, detail: fmt.Sprintf(format, args...)}
}

func warn(hint, format string, args ...any) finding {
	return finding{protocol.CheckWarn, fmt.Sprintf(format, args...), hint}
}

func fail(hint, format string, args ...any) finding {
	return finding{protocol.CheckFail, fmt.Sprintf(format, args...), hint}
}

// because turns an error into a finding. Whoever is asked to slow down does not
// know what is wrong, or whether anything is.
func (d *Doctor) because(err error) finding {
	if errors.Is(err, context.DeadlineExceeded) && !isKnown(err) {
		return fail("Try again. If it goes on, ask whoever runs the network or the instance.", "there was no answer within %v", limit)
	}
	message, hint := d.Explain(err)
	if errors.Is(err, protocol.RateLimited) {
		return warn(hint, "%s", message)
	}
	return fail(hint, "%s", message)
}

func isKnown(err error) bool {
	var known *protocol.Error
	return errors.As(err, &known)
}

// run makes the checks of a table.
func (p *patient) run(ctx context.Context, table []check) {
	for _, c := range table {
		if ctx.Err() != nil {
			return
		}
		f := p.make(ctx, c)
		if f.status == "" {
			continue
		}
		line := protocol.Check{Name: c.name, Instance: p.Instance.ID, Status: f.status, Detail: f.detail, Hint: f.hint}
		if p.account != nil {
			line.Account = p.account.ID
			line.Detail, line.Hint = p.nameless(line.Detail), p.nameless(line.Hint)
		}
		p.report = append(p.report, line)
	}
}

// make makes a check, unless what it needs has failed.
func (p *patient) make(ctx context.Context, c check) finding {
	for _, need := range c.needs {
		if root, ok := p.failed[need]; ok {
			p.failed[c.name] = root
			return skip("not checked, since the check %q failed", root)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	f := c.look(ctx, p)
	if f.status == protocol.CheckFail {
		p.failed[c.name] = c.name
	}
	return f
}
