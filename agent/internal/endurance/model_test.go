package endurance

import (
	"fmt"
	"maps"
	"slices"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// model is the state of one instance, as its agents have acknowledged it or as
// one of them tells it.
type model struct {
	name     string          // empty: the instance is not configured
	accounts map[string]bool // the users who have one
}

// observe makes a model of what an agent tells of an instance.
func observe(instance string, status protocol.StatusResult) model {
	m := model{accounts: map[string]bool{}}
	for _, in := range status.Instances {
		if in.ID != instance {
			continue
		}
		m.name = in.Name
		for _, account := range in.Auth.Accounts {
			m.accounts[account.User.Username] = true
		}
	}
	return m
}

// users are those with an account, in order.
func (m model) users() []string { return slices.Sorted(maps.Keys(m.accounts)) }

func (m model) named(name string) model {
	return model{name, maps.Clone(m.accounts)}
}

func (m model) with(user string) model {
	next := m.named(m.name)
	if next.accounts == nil {
		next.accounts = map[string]bool{}
	}
	next.accounts[user] = true
	return next
}

func (m model) without(user string) model {
	next := m.named(m.name)
	delete(next.accounts, user)
	return next
}

func (m model) String() string {
	if m.name == "" && len(m.accounts) == 0 {
		return "not configured"
	}
	return fmt.Sprintf("%q with accounts of %q", m.name, m.users())
}

// between reports whether m can be what is left of an operation that was to lead
// from before to after, and was cut off: every part is as it was before or as it
// was to be. Where the two are equal, so has m to be.
func (m model) between(before, after model) error {
	if m.name != before.name && m.name != after.name {
		return fmt.Errorf("it is %v; acknowledged was %v, under way %v", m, before, after)
	}
	for _, user := range users {
		if has := m.accounts[user]; has != before.accounts[user] && has != after.accounts[user] {
			return fmt.Errorf("it is %v; acknowledged was %v, under way %v", m, before, after)
		}
	}
	if m.name == "" && len(m.accounts) > 0 {
		return fmt.Errorf("accounts without their instance: %v", m)
	}
	return nil
}
