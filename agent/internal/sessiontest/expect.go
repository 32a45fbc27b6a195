package sessiontest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// expect matches the next messages of a window with the steps, in any order.
func (s *session) expect(ctx context.Context, w *window, steps []script.Step) error {
	remaining := slices.Clone(steps)
	for len(remaining) > 0 {
		m, err := s.nextMessage(ctx, w, remaining)
		if err != nil {
			return fmt.Errorf("missing message: %w\n%s", err, wanted(remaining))
		}
		found := slices.IndexFunc(remaining, func(step script.Step) bool { return s.compare(step, m, false) == nil })
		if found < 0 && s.edits != nil {
			found = 0
			s.edits.rewrite(remaining[0], s, m)
		}
		if found < 0 {
			return s.mismatch(remaining, m)
		}
		s.note("<-", w, string(m.Raw))
		s.matched(w, m)
		remaining = slices.Delete(remaining, found, found+1)
	}
	return nil
}

// compare returns how a message differs from what a step asks for. Unless it is
// only a trial, the variables that the pattern binds are then set.
func (s *session) compare(step script.Step, m *Message, trial bool) []string {
	actual, diffs := payload(step, m)
	if diffs != nil || step.Body == "" {
		return diffs
	}
	text, err := s.vars.expandJSON(step.Body, true)
	if err != nil {
		return []string{err.Error()}
	}
	pattern, err := script.ParseValue([]byte(text))
	if err != nil {
		return []string{"the pattern is not JSON: " + err.Error()}
	}
	got, err := script.ParseValue(actual)
	if err != nil {
		return []string{"there is nothing to compare the pattern with"}
	}
	vars := s.vars
	if trial {
		vars = maps.Clone(vars)
	}
	return match(pattern, got, vars)
}

// payload returns the part of a message that the step's pattern is for, or in
// what the message is of another kind.
func payload(step script.Step, m *Message) (json.RawMessage, []string) {
	differ := func(format string, values ...any) (json.RawMessage, []string) {
		return nil, []string{fmt.Sprintf(format, values...)}
	}
	switch {
	case step.Form == script.Incoming && m.Method != step.Method:
		return differ("want %s, got %s", step.Method, describe(m))
	case step.Form == script.Incoming:
		return m.Params, nil
	case !m.IsResponse() || idText(m) != step.ID:
		return differ("want the response to %s, got %s", step.ID, describe(m))
	case step.Form == script.Result && m.Error != nil:
		return differ("want a result, got %s", describe(m))
	case step.Form == script.Result:
		return m.Result, nil
	case m.Error == nil:
		return differ("want the error %s, got %s", step.ErrorName, describe(m))
	}
	name, err := m.Error.errorName()
	if err != nil {
		return differ("%v", err)
	}
	if name != step.ErrorName {
		return differ("want the error %s, got %s", step.ErrorName, describe(m))
	}
	return m.Error.Data, nil
}

func idText(m *Message) string {
	if m.ID == nil {
		return "null"
	}
	return string(m.ID)
}

// describe names a message in a few words.
func describe(m *Message) string {
	switch {
	case m.Method != "":
		return m.Method
	case m.Error != nil:
		return fmt.Sprintf("the response to %s with error %d (%s)", idText(m), m.Error.Code, m.Error)
	default:
		return fmt.Sprintf("the response to %s with a result", idText(m))
	}
}

// matched notes what later steps refer to.
func (s *session) matched(w *window, m *Message) {
	if m.IsRequest() {
		w.unanswered[m.Method] = append(w.unanswered[m.Method], string(m.ID))
	}
	if m.Method == protocol.DidStartAuthentication.Method() {
		var signIn protocol.DidStartAuthenticationParams
		if json.Unmarshal(m.Params, &signIn) == nil {
			s.world.signInStarted(signIn, s.vars)
		}
	}
}

// mismatch explains which of the expected messages was the nearest, and what is
// wrong with the one that came.
func (s *session) mismatch(steps []script.Step, m *Message) error {
	nearest, diffs := steps[0], s.compare(steps[0], m, true)
	for _, step := range steps[1:] {
		if _, other := payload(step, m); other == nil {
			nearest, diffs = step, s.compare(step, m, true)
			break
		}
	}
	return fmt.Errorf("unexpected message:\n    <- %s\n%s  %s", clip(string(m.Raw), maxShown),
		wanted([]script.Step{nearest}), strings.Join(diffs, "\n  "))
}

// wanted shows the steps that something else came for.
func wanted(steps []script.Step) string {
	var b strings.Builder
	b.WriteString("want:\n")
	for _, step := range steps {
		fmt.Fprintf(&b, "    %s\n", step.Text)
	}
	return b.String()
}
