package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// script is the section "session" of a session script: the messages in the order
// in which they go over the wire. The language is that of
// agent/internal/sessiontest, which runs the scripts, but whose parser belongs to
// the agent alone.
type script struct {
	path     string
	messages []message
}

// message is a line of a script, with the lines that continue it.
type message struct {
	line   int
	from   Sender
	window string // which editor; empty for the first
	kind   messageKind
	id     string // as in the script; a method in a reply; empty in what the agent sends by itself
	method string // empty for an answer
	err    string // the name of the error, for an answer of the agent that is one
	body   *value // with placeholders; nil where there is none
}

type messageKind int

const (
	call    messageKind = iota + 1 // a request or a notification
	result                         // an answer
	failure                        // an answer that is an error
	other                          // a frame that is no message
)

// preferred are the scripts that examples are taken from first; the others
// follow by name.
var preferred = []string{"sign-in.txtar"}

// readScripts reads the session scripts in dir, in the order in which examples
// are looked for. There need not be any.
func readScripts(dir string) ([]script, error) {
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
	var scripts []script
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		s, err := parseScript(path, string(data))
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, s)
	}
	return scripts, nil
}

// section is the line that opens a file of a txtar archive
// (https://pkg.go.dev/golang.org/x/tools/txtar). The package itself is not used,
// since it does not tell line numbers.
var section = regexp.MustCompile(`^-- +(\S.*?) +--\s*$`)

func parseScript(path, text string) (script, error) {
	s := script{path: path}
	fail := func(line int, err error) (script, error) {
		return script{}, fmt.Errorf("%s:%d: %w", path, line, err)
	}
	in, found := "", false
	open, start := "", 0 // the line that may be continued, and its number
	flush := func() error {
		defer func() { open = "" }()
		if open == "" || strings.HasPrefix(open, "!") {
			return nil
		}
		m, err := parseMessage(open)
		m.line = start
		s.messages = append(s.messages, m)
		return err
	}
	for i, line := range strings.Split(text+"\n", "\n") {
		line = strings.TrimRightFunc(line, unicode.IsSpace)
		m := section.FindStringSubmatch(line)
		continues := in == "session" && m == nil && line != "" && unicode.IsSpace(rune(line[0]))
		if continues {
			if open == "" {
				return fail(i+1, errors.New("a continuation of nothing"))
			}
			open += "\n" + line
			continue
		}
		if err := flush(); err != nil {
			return fail(start, err)
		}
		switch {
		case m != nil:
			if in = m[1]; in == "session" && found {
				return fail(i+1, errors.New("a second section called session"))
			}
			found = found || in == "session"
		case in == "session" && line != "" && line[0] != '#':
			open, start = line, i+1
		}
	}
	if !found {
		return fail(1, errors.New("no section called session"))
	}
	return s, nil
}

var arrow = regexp.MustCompile(`(?s)^(->|<-|<=)([1-9]?)\s+(\S.*)$`)

// parseMessage reads one of
//
//	-> ID METHOD JSON           <- ID result JSON
//	-> METHOD JSON              <- ID error NAME JSON
//	-> reply METHOD result JSON   <- METHOD JSON
//
// and passes over what a script sends that is no message.
func parseMessage(line string) (message, error) {
	parts := arrow.FindStringSubmatch(line)
	if parts == nil {
		return message{}, fmt.Errorf("a line begins with ->, <-, <=, !, # or white space and has words, unlike %q", line)
	}
	m := message{from: FromAgent, window: strings.TrimPrefix(parts[2], "1"), kind: call}
	first, _ := cutWord(parts[3])
	text := parts[3]
	if parts[1] == "->" {
		m.from = FromEditor
		switch first {
		case "frame", "bytes", "padding":
			m.kind = other
			return m, nil
		case "reply":
			return m, m.answer(cutTarget(text[len("reply"):]))
		}
	}
	id, rest := cutID(text)
	if m.from == FromAgent && id != "" {
		return m, m.answer(id, rest)
	}
	m.id = id
	m.method, rest = cutWord(rest)
	if m.method == "" {
		return m, errors.New("the method is missing")
	}
	return m, m.parseBody(rest)
}

// answer reads what stands after the id of an answer.
func (m *message) answer(id, text string) error {
	m.id = id
	word, rest := cutWord(text)
	switch {
	case word == "result":
		m.kind = result
		return m.parseBody(rest)
	case word == "error" && m.from == FromEditor:
		m.kind = failure // with a code and a text of the editor's own
		return nil
	case word == "error":
		m.kind = failure
		m.err, rest = cutWord(rest)
		if !isCode(m.err) {
			return fmt.Errorf("no error of the protocol is called %q", m.err)
		}
		return m.parseBody(rest)
	}
	return errors.New("an answer is ID result JSON or ID error NAME JSON")
}

func (m *message) parseBody(text string) (err error) {
	if m.body, err = parseValue(quotePlaceholders(text)); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return nil
}

var integer = regexp.MustCompile(`^-?[0-9]+$`)

// cutID takes an id off the text, if it begins with one: an integer, a string in
// JSON, or null.
func cutID(text string) (id, rest string) {
	text = strings.TrimSpace(text)
	if first, rest := cutWord(text); integer.MatchString(first) || first == "null" {
		return first, rest
	}
	dec := json.NewDecoder(strings.NewReader(text))
	var s string
	if dec.Decode(&s) != nil {
		return "", text
	}
	return text[:dec.InputOffset()], strings.TrimSpace(text[dec.InputOffset():])
}

// cutTarget takes what a reply answers off the text: an id or a method.
func cutTarget(text string) (target, rest string) {
	if target, rest = cutID(text); target != "" {
		return target, rest
	}
	return cutWord(text)
}

func isCode(name string) bool {
	return slices.ContainsFunc(protocol.Codes(), func(c protocol.Code) bool { return c.Name() == name })
}

func cutWord(s string) (first, rest string) {
	s = strings.TrimSpace(s)
	if i := strings.IndexFunc(s, unicode.IsSpace); i >= 0 {
		return s[:i], strings.TrimSpace(s[i:])
	}
	return s, ""
}
