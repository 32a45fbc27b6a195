package agent

import (
	"fmt"
	"strings"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// problems lists what is wrong with the sources of instances, and with the settings
// that name one.
func (s *session) problems(found team.Found) []protocol.Problem {
	list := make([]protocol.Problem, 0, len(found.Problems))
	if err := s.registry.unusable(); err != nil {
		list = append(list, describeProblem(protocol.SourceTeam, err))
	}
	for _, problem := range found.Problems {
		list = append(list, describeProblem(team.SourceOf(problem), problem))
	}
	return list
}

func describeProblem(source protocol.Source, err error) protocol.Problem {
	e := inWords(err)
	return protocol.Problem{
		Source: source, Code: int(e.Code), Name: e.Code.Name(),
		Message: e.Message, Hint: e.Hint, Instance: e.Instance, Details: e.Details,
	}
}

// told is what the user was warned of and what is still so: each problem is shown
// once, and again where it was mended and came back.
type told struct {
	mu       sync.Mutex // guards what follows
	warnings map[string]bool
}

// fresh returns the warnings that were not shown yet, and forgets those that are
// not among them any more.
func (t *told) fresh(warnings []string) (fresh []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := make(map[string]bool, len(warnings))
	for _, warning := range warnings {
		if !t.warnings[warning] && !now[warning] {
			fresh = append(fresh, warning)
		}
		now[warning] = true
	}
	t.warnings = now
	return fresh
}

// warnOfProblems shows what is wrong with the sources of instances: files that do
// not count, and sources that contradict each other.
func (a *Agent) warnOfProblems(s *session, v view) {
	warnings := make([]string, 0, len(v.problems))
	for _, problem := range v.problems {
		warnings = append(warnings, "CodeStream: "+withHint(problem.Message, problem.Hint))
	}
	for _, in := range v.instances {
		for _, c := range in.Conflicts {
			warnings = append(warnings, "CodeStream: "+contradiction(in, c))
		}
	}
	for _, warning := range s.told.fresh(warnings) {
		a.showMessage(protocol.MessageWarning, warning)
	}
}

// contradiction says which of two sources counts.
func contradiction(in team.Instance, c protocol.SourceConflict) string {
	return fmt.Sprintf("%s says something else of %s than %s: %s. It does not count.",
		place(c.Source, c.Origin), in.ID, place(in.Source, in.Origin), strings.Join(c.Fields, ", "))
}

func place(source protocol.Source, origin string) string {
	switch {
	case source == protocol.SourceLocal:
		return "what is configured on this machine"
	case source == protocol.SourceTeam:
		return "the team's registry"
	case origin == "":
		return string(source)
	}
	return origin
}

// checkSources examines the files that instances come from: a check for each
// source that has a file, or something wrong with one.
func (a *Agent) checkSources(found team.Found) (checks []protocol.Check) {
	for _, source := range []protocol.Source{protocol.SourcePolicy, protocol.SourceWorkspace} {
		c := protocol.Check{Name: string(source), Status: protocol.CheckPass}
		var details, hints []string
		for _, in := range found.Instances {
			if in.Source == source {
				details = append(details, in.Origin+" names "+in.ID)
				if in.NeedsApproval {
					c.Status = protocol.CheckWarn
					details = append(details, "you have not let it be used")
					hints = append(hints, "Sign in with gitlabSM/authenticate: you are asked then.")
				}
			}
			for _, other := range in.Conflicts {
				if other.Source == source {
					c.Status = protocol.CheckWarn
					details = append(details, contradiction(in, other))
				}
			}
		}
		for _, problem := range found.ProblemsOf(source) {
			message, hint := a.explain(problem)
			c.Status = protocol.CheckFail
			details, hints = append(details, message), append(hints, hint)
		}
		if c.Detail, c.Hint = strings.Join(details, "; "), strings.Join(hints, " "); c.Detail != "" {
			checks = append(checks, c)
		}
	}
	return checks
}
