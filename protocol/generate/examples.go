package main

import (
	"encoding/json"
	"path/filepath"
)

// addExamples gives every method the first example that the scripts have of it,
// and the errors that they show for it.
func addExamples(m *Model, scripts []script) {
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
func pick(m *Model, method *Method, s script) *Example {
	for i, msg := range s.messages {
		if msg.method != method.Name || method.From != FromBoth && method.From != msg.from {
			continue
		}
		example := &Example{Script: filepath.Base(s.path), From: msg.from, ID: msg.id}
		if method.Result != nil {
			answer := s.answer(i)
			switch {
			case answer != nil && answer.kind == result && answer.body != nil:
				example.Result = m.sample(answer.body, *method.Result)
			case answer != nil || msg.from == FromEditor:
				continue
			}
		}
		example.Params = m.sample(msg.body, method.Params)
		return example
	}
	return nil
}

// answer returns the answer to the request at i, or nil.
func (s script) answer(i int) *message {
	asked := s.messages[i]
	id := asked.id
	if asked.from == FromAgent {
		id = asked.method // what a reply is for
	}
	for j := i + 1; j < len(s.messages); j++ {
		msg := &s.messages[j]
		switch {
		case msg.window != asked.window:
		case msg.from == asked.from && msg.kind == call && msg.id == asked.id && (asked.id != "" || msg.method == asked.method):
			return nil // the next request of that name
		case msg.from != asked.from && msg.kind != call && msg.id == id:
			return msg
		}
	}
	return nil
}

// errorsOf lists the errors that a request's doc names, and those that a script
// shows for it. What any request may meet (malformed, unknown, too early) is not
// listed.
func (m *Model) errorsOf(method *Method, scripts []script) []string {
	if method.Result == nil {
		return nil
	}
	found := map[string]bool{}
	for _, span := range codeSpans.FindAllString(method.Doc, -1) {
		found[span[1:len(span)-1]] = true
	}
	for _, s := range scripts {
		for i, msg := range s.messages {
			if msg.kind != call || msg.method != method.Name {
				continue
			}
			if answer := s.answer(i); answer != nil && answer.kind == failure {
				found[answer.err] = true
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
func (m *Model) sample(v *value, t Type) json.RawMessage {
	if v == nil {
		return nil
	}
	return json.RawMessage((&sampler{model: m}).fill(v, t, "").line())
}
