package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// preferred are the scripts that examples are taken from first; the others
// follow by name.
var preferred = []string{"sign-in.txtar"}

// readScripts reads the session scripts in dir, in the order in which examples
// are looked for. There need not be any.
func readScripts(dir string) ([]*script.Script, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	rank := func(path string) int {
		if i := slices.Index(preferred, filepath.Base(path)); i >= 0 {
			return i
		}
		return len(preferred)
	}
	slices.SortStableFunc(paths, func(a, b string) int { return rank(a) - rank(b) })
	var scripts []*script.Script
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		s, err := script.Parse(path, data, script.Commands{})
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, s)
	}
	return scripts, nil
}

// addExamples gives every method the first example that the scripts have of it,
// and the errors that they show for it.
func addExamples(m *Model, scripts []*script.Script) {
	for i := range m.Methods {
		method := &m.Methods[i]
		for _, s := range scripts {
			if method.Example = pick(m, method, s); method.Example != nil {
				break
			}
		}
		method.Errors = m.errorsOf(method, scripts)
	}
}

// pick returns the first message in the script that is an example of the method.
// A request of the editor has to be answered with a result; one of the agent may
// be left to the editor that runs the script.
func pick(m *Model, method *Method, s *script.Script) *Example {
	for _, exchange := range s.Exchanges(method.Name) {
		call, answer := exchange.Call, exchange.Answer
		from := FromAgent
		if call.Arrow == "->" {
			from = FromEditor
		}
		if method.From != FromBoth && method.From != from {
			continue
		}
		example := &Example{Script: filepath.Base(s.Name), From: from, ID: call.ID}
		if method.Result != nil {
			switch {
			case answer != nil && answer.Form != script.Failure && answer.JSON != nil:
				example.Result = m.sample(answer.JSON, *method.Result)
			case answer != nil || from == FromEditor:
				continue
			}
		}
		example.Params = m.sample(call.JSON, method.Params)
		return example
	}
	return nil
}

// errorsOf lists the errors that a request's doc names, and those that a script
// shows for it. What any request may meet (malformed, unknown, too early) is not
// listed.
func (m *Model) errorsOf(method *Method, scripts []*script.Script) []string {
	if method.Result == nil {
		return nil
	}
	found := map[string]bool{}
	for _, span := range codeSpans.FindAllString(method.Doc, -1) {
		found[span[1:len(span)-1]] = true
	}
	for _, s := range scripts {
		for _, exchange := range s.Exchanges(method.Name) {
			if answer := exchange.Answer; answer != nil {
				found[answer.ErrorName] = true // "" where it is none
			}
		}
	}
	var names []string
	for _, e := range m.Errors {
		if found[e.Name] && e.Code > 0 {
			names = append(names, e.Name)
		}
	}
	return names
}

// sample returns the JSON of a script with samples for its placeholders, or nil
// where there is none. t is what the JSON ought to be.
func (m *Model) sample(v *script.Value, t Type) json.RawMessage {
	if v == nil {
		return nil
	}
	return json.RawMessage((&sampler{model: m}).fill(v, t, "").String())
}
