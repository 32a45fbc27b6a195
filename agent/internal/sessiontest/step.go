package sessiontest

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
	// Window is the number of the editor window, from 1.
	Window int
	// Method is that of a request or notification, of either side.
	Method string
	// ID is the id of a request or response, in JSON.
	ID string

	form form
	// body is, in the words of the file: the JSON of what is sent, the pattern of
	// what is received, the text of a frame, the words after "!".
	body string
	// name is the error of an expected error response.
	name string
	// target is the ID or METHOD that a reply is for, and refusal its error.
	target  string
	refusal *ResponseError
}

// form is what a step looks like after its arrow.
type form int

const (
	request      form = iota // -> ID METHOD JSON
	notification             // -> METHOD JSON
	reply                    // -> reply ID-OR-METHOD …
	rawFrame                 // -> frame TEXT
	rawBytes                 // -> bytes "…"
	padding                  // -> padding N
	incoming                 // <- METHOD PATTERN
	result                   // <- ID result PATTERN
	failure                  // <- ID error NAME PATTERN
	outside                  // ! …
)

func (s Step) isResponse() bool { return s.form == result || s.form == failure }

var (
	arrowExpr = regexp.MustCompile(`(?s)^(->|<-|<=)([1-9]?)\s+(.*)$`)
	idExpr    = regexp.MustCompile(`^-?[0-9]+$`)
)

func parseStep(line Line) (Step, error) {
	if text, ok := strings.CutPrefix(line.Text, "!"); ok {
		text = strings.TrimSpace(text)
		_, err := parseOutside(text)
		return Step{Line: line, Arrow: "!", form: outside, body: text}, err
	}
	parts := arrowExpr.FindStringSubmatch(line.Text)
	if parts == nil {
		return Step{Line: line}, errors.New(`a step begins with "->", "<-", "<=" or "!", and goes on after a space`)
	}
	step := Step{Line: line, Arrow: parts[1], Window: 1}
	if parts[2] != "" {
		step.Window = int(parts[2][0] - '0')
	}
	text := strings.TrimSpace(parts[3])
	if step.Arrow == "->" {
		return step, step.parseSent(text)
	}
	return step, step.parseReceived(text)
}

func (s *Step) parseSent(text string) error {
	word, rest := cutWord(text)
	switch word {
	case "reply":
		return s.parseReply(rest)
	case "frame":
		s.form, s.body = rawFrame, rest
		return nil
	case "bytes":
		s.form, s.body = rawBytes, rest
		_, err := strconv.Unquote(rest)
		if err != nil {
			err = fmt.Errorf(`%s is not a "quoted string" of Go`, rest)
		}
		return err
	case "padding":
		s.form, s.body = padding, rest
		_, err := strconv.Atoi(rest)
		return err
	}
	s.form = notification
	if id, rest, ok := cutID(text); ok {
		s.form, s.ID, text = request, id, rest
	}
	s.Method, s.body = cutWord(text)
	if s.Method == "" {
		return errors.New("the method is missing")
	}
	return checkJSON(s.body)
}

func (s *Step) parseReply(text string) error {
	s.form = reply
	var ok bool
	if s.target, text, ok = cutID(text); !ok {
		s.target, text = cutWord(text)
	}
	word, rest := cutWord(text)
	switch word {
	case "result":
		s.body = rest
		if rest == "" {
			return errors.New("the result is missing")
		}
		return checkJSON(rest)
	case "error":
		refusal, err := parseRefusal(newArgs(rest))
		s.refusal = refusal
		return err
	}
	return errors.New(`a reply is "reply ID-OR-METHOD result JSON" or "reply ID-OR-METHOD error CODE "message""`)
}

// parseRefusal reads an error of the editor's: CODE "message".
func parseRefusal(a *args) (*ResponseError, error) {
	refusal := &ResponseError{Code: a.number("the code"), Message: a.word("the message")}
	return refusal, a.end()
}

func (s *Step) parseReceived(text string) error {
	id, rest, ok := cutID(text)
	if !ok {
		s.form = incoming
		s.Method, s.body = cutWord(text)
		if s.Method == "" {
			return errors.New("the method is missing")
		}
		return checkJSON(s.body)
	}
	s.ID = id
	word, rest := cutWord(rest)
	switch word {
	case "result":
		s.form, s.body = result, rest
	case "error":
		s.form = failure
		s.name, s.body = cutWord(rest)
		if !slices.ContainsFunc(protocol.Codes(), func(c protocol.Code) bool { return c.Name() == s.name }) {
			return fmt.Errorf("the protocol has no error %q", s.name)
		}
	default:
		return errors.New(`a response is "ID result PATTERN" or "ID error NAME PATTERN"`)
	}
	return checkJSON(s.body)
}

// cutID takes an id off the text: an integer, a string in JSON, or null.
func cutID(text string) (id, rest string, ok bool) {
	word, rest := cutWord(text)
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

// checkJSON reports what is wrong with a JSON text whose variables are not yet
// known. An empty one is fine.
func checkJSON(text string) error {
	for previous := ""; previous != text; {
		previous, text = text, placeholder.ReplaceAllString(text, "0")
	}
	if text == "" {
		return nil
	}
	if _, err := parseValue([]byte(text)); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return nil
}
