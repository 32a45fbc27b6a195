package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// Step is one step of a session.
type Step struct {
	Line
	// Arrow is "->", "<-", "<=" or "!".
	Arrow string
	// Window is the number of the editor window, from 1; 0 after "!".
	Window int
	// Form says which of the fields below there are.
	Form Form
	// Method is that of a request or notification, of either side.
	Method string
	// ID is the id of a request or response, in JSON.
	ID string
	// ErrorName is the name of an expected error response.
	ErrorName string
	// Target is the ID or METHOD that a reply is for, and Refusal its error.
	Target  string
	Refusal *Refusal
	// Body is, in the words of the file: the JSON of what is sent, the pattern of
	// what is received, the text of a frame, the words after "!".
	Body string
	// JSON is the body of a message, or nil where it has none. A placeholder that
	// stands outside of strings is a string in it.
	JSON *Value
}

// Form is what a step looks like after its arrow.
type Form int

// The values of [Form].
const (
	Request      Form = iota // -> ID METHOD JSON
	Notification             // -> METHOD JSON
	Reply                    // -> reply ID-OR-METHOD …
	RawFrame                 // -> frame TEXT
	RawBytes                 // -> bytes "…"
	Padding                  // -> padding N
	Incoming                 // <- METHOD PATTERN
	Result                   // <- ID result PATTERN
	Failure                  // <- ID error NAME PATTERN
	Outside                  // ! …
)

// Refusal is an error that the editor answers with.
type Refusal struct {
	Code    int
	Message string
}

var (
	arrowExpr = regexp.MustCompile(`(?s)^(->|<-|<=)([1-9]?)\s+(.*)$`)
	idExpr    = regexp.MustCompile(`^-?[0-9]+$`)
)

func parseStep(line Line, outside func(text string) error) (Step, error) {
	if text, ok := strings.CutPrefix(line.Text, "!"); ok {
		text = strings.TrimSpace(text)
		return Step{Line: line, Arrow: "!", Form: Outside, Body: text}, check(outside, text)
	}
	parts := arrowExpr.FindStringSubmatch(line.Text)
	if parts == nil {
		return Step{Line: line}, errors.New(`a step begins with "->", "<-", "<=" or "!", and goes on after a space`)
	}
	step := Step{Line: line, Arrow: parts[1], Window: 1}
	if parts[2] != "" {
		step.Window = int(parts[2][0] - '0')
	}
	parse := step.parseReceived
	if step.Arrow == "->" {
		parse = step.parseSent
	}
	err := parse(strings.TrimSpace(parts[3]))
	return step, err
}

func (s *Step) parseSent(text string) error {
	word, rest := CutWord(text)
	switch word {
	case "reply":
		return s.parseReply(rest)
	case "frame":
		s.Form, s.Body = RawFrame, rest
		return nil
	case "bytes":
		s.Form, s.Body = RawBytes, rest
		_, err := strconv.Unquote(rest)
		if err != nil {
			err = fmt.Errorf(`%s is not a "quoted string" of Go`, rest)
		}
		return err
	case "padding":
		s.Form, s.Body = Padding, rest
		_, err := strconv.Atoi(rest)
		return err
	}
	s.Form = Notification
	if id, rest, ok := cutID(text); ok {
		s.Form, s.ID, text = Request, id, rest
	}
	return s.parseCall(text)
}

func (s *Step) parseReply(text string) error {
	s.Form = Reply
	var ok bool
	if s.Target, text, ok = cutID(text); !ok {
		s.Target, text = CutWord(text)
	}
	word, rest := CutWord(text)
	switch word {
	case "result":
		if rest == "" {
			return errors.New("the result is missing")
		}
		return s.parseBody(rest)
	case "error":
		words := NewWords(rest)
		s.Refusal = words.Refusal()
		return words.End()
	}
	return errors.New(`a reply is "reply ID-OR-METHOD result JSON" or "reply ID-OR-METHOD error CODE "message""`)
}

func (s *Step) parseReceived(text string) error {
	id, rest, ok := cutID(text)
	if !ok {
		s.Form = Incoming
		return s.parseCall(text)
	}
	s.ID = id
	word, rest := CutWord(rest)
	switch word {
	case "result":
		s.Form = Result
	case "error":
		s.Form = Failure
		s.ErrorName, rest = CutWord(rest)
		if !slices.ContainsFunc(protocol.Codes(), func(c protocol.Code) bool { return c.Name() == s.ErrorName }) {
			return fmt.Errorf("the protocol has no error %q", s.ErrorName)
		}
	default:
		return errors.New(`a response is "ID result PATTERN" or "ID error NAME PATTERN"`)
	}
	return s.parseBody(rest)
}

// parseCall reads METHOD JSON.
func (s *Step) parseCall(text string) error {
	method, body := CutWord(text)
	if method == "" {
		return errors.New("the method is missing")
	}
	s.Method = method
	return s.parseBody(body)
}

func (s *Step) parseBody(text string) (err error) {
	s.Body = text
	s.JSON, err = readJSON(text)
	return err
}

// cutID takes an id off the text: an integer, a string in JSON, or null.
func cutID(text string) (id, rest string, ok bool) {
	word, rest := CutWord(text)
	if idExpr.MatchString(word) || word == "null" {
		return word, rest, true
	}
	if !strings.HasPrefix(text, `"`) {
		return "", text, false
	}
	dec := json.NewDecoder(strings.NewReader(text))
	var s string
	if dec.Decode(&s) != nil {
		return "", text, false
	}
	at := dec.InputOffset()
	return text[:at], strings.TrimSpace(text[at:]), true
}
