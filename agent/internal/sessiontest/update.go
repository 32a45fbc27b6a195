package sessiontest

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/protocol/script"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// edits are the lines that -update changes.
type edits struct {
	script *script.Script
	lines  map[int]edit // by number of the first line that is replaced
	added  []string     // after the last step
}

type edit struct {
	count int
	text  string
}

// rewrite makes a step ask for the message that came in place of its own. Where
// it is the same message, only with other content, what was right in the pattern
// stays as it is.
func (e *edits) rewrite(step script.Step, s *session, m *Message) {
	pattern := step.JSON
	actual, diffs := payload(step, m)
	if diffs != nil {
		pattern, actual = nil, content(m)
	}
	if e.lines == nil {
		e.lines = map[int]edit{}
	}
	arrow, _ := script.CutWord(step.Text)
	e.lines[step.Number] = edit{step.Count, s.render(arrow, m, pattern, actual)}
}

// leftOver adds a step for each message that comes until the agent has shut
// down.
func (e *edits) leftOver(ctx context.Context, s *session, w *window) {
	if w.shutdown || s.noInitialize {
		return
	}
	const id = `"sessiontest-leftover"`
	_ = w.editor.Request(json.RawMessage(id), protocol.Shutdown.Method(), nil)
	w.shutdown = true
	for {
		m, err := s.nextMessage(ctx, w, nil)
		if err != nil || string(m.ID) == id {
			return // the end of the window finds the error again
		}
		arrow := "<-"
		if w.number > 1 {
			arrow += fmt.Sprint(w.number)
		}
		e.added = append(e.added, s.render(arrow, m, nil, content(m)))
	}
}

// layout is that of the lines that are written.
var layout = script.Layout{Width: 118, Indent: "  "}

// content is the part of a message that a pattern is for.
func content(m *Message) json.RawMessage {
	switch {
	case m.Method != "":
		return m.Params
	case m.Error != nil:
		return m.Error.Data
	default:
		return m.Result
	}
}

// render writes the line that asks for a message.
func (s *session) render(arrow string, m *Message, pattern *script.Value, actual json.RawMessage) string {
	line := arrow + " " + m.Method
	if m.IsResponse() {
		line = fmt.Sprintf("%s %s result", arrow, idText(m))
	}
	if m.Error != nil {
		line = fmt.Sprintf("%s %s error %s", arrow, idText(m), protocol.Code(m.Error.Code).Name())
	}
	got, err := script.ParseValue(actual)
	if err != nil {
		return line
	}
	if m.Error != nil && pattern == nil {
		return line // the name says it, and texts are the agent's
	}
	return line + " " + layout.Format(s.merge(pattern, got), len(line)+1)
}

// merge keeps of a pattern what matches, and generalises the rest of what came.
func (s *session) merge(pattern, got *script.Value) *script.Value {
	if pattern == nil {
		return s.generalise(got)
	}
	expanded, err := s.vars.expandJSON(pattern.String(), true)
	if err == nil {
		if v, err := script.ParseValue([]byte(expanded)); err == nil && match(v, got, s.vars) == nil {
			return pattern
		}
	}
	if pattern.Kind != got.Kind || pattern.Kind < script.Array || pattern.Kind == script.Array && len(pattern.Values) != len(got.Values) {
		return s.generalise(got)
	}
	merged := &script.Value{Kind: got.Kind}
	for i, member := range pattern.Values {
		if got.Kind == script.Array {
			merged.Values = append(merged.Values, s.merge(member, got.Values[i]))
			continue
		}
		there := got.Field(pattern.Keys[i])
		if there == nil && member.Placeholder() != "absent" {
			continue
		}
		if there != nil {
			member = s.merge(member, there)
		}
		merged.Keys = append(merged.Keys, pattern.Keys[i])
		merged.Values = append(merged.Values, member)
	}
	return merged
}

var (
	loopbackPort = regexp.MustCompile(`(127\.0\.0\.1|localhost|\[::1\]):[0-9]+`)
	query        = regexp.MustCompile(`(/oauth/[a-z_]+)\?.*`)
)

// generalise puts variables and wildcards where another run has other values.
func (s *session) generalise(v *script.Value) *script.Value {
	switch {
	case v.Kind == script.Text && wholly(timeExpr).MatchString(v.Text):
		return script.NewScalar("${time}")
	case v.Kind == script.Text && strings.HasPrefix(v.Text, providertest.SecretPrefix):
		return script.NewScalar("${string}")
	case v.Kind == script.Text:
		t := s.vars.collapse(v.Text)
		t = query.ReplaceAllString(t, "$1?$${string}")
		return script.NewScalar(loopbackPort.ReplaceAllString(t, "$1:$${port}"))
	}
	general := *v
	general.Values = nil
	for _, member := range v.Values {
		general.Values = append(general.Values, s.generalise(member))
	}
	return &general
}

// apply returns the script with the edits, or nil where there are none.
func (e *edits) apply() []byte {
	if e == nil || len(e.lines) == 0 && len(e.added) == 0 {
		return nil
	}
	lines := strings.SplitAfter(string(e.script.Data), "\n")
	var out []string
	for i := 0; i < len(lines); i++ {
		if i+1 == e.script.End {
			out = append(out, e.addition(out)...)
		}
		if edit, ok := e.lines[i+1]; ok {
			out = append(out, edit.text+"\n")
			i += edit.count - 1
			continue
		}
		out = append(out, lines[i])
	}
	if e.script.End > len(lines) {
		out = append(out, e.addition(out)...)
	}
	return []byte(strings.Join(out, ""))
}

// addition is what is added after the lines so far.
func (e *edits) addition(before []string) []string {
	var added []string
	if n := len(before); n > 0 && before[n-1] != "" && !strings.HasSuffix(before[n-1], "\n") {
		added = append(added, "\n")
	}
	for _, line := range e.added {
		added = append(added, line+"\n")
	}
	return slices.Clip(added)
}
