package script

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// CutWord takes the first word off a text.
func CutWord(text string) (word, rest string) {
	end := strings.IndexAny(text, " \t\n")
	if end < 0 {
		return text, ""
	}
	return text[:end], strings.TrimSpace(text[end:])
}

// Words are the words after a command. A word with spaces in it is quoted as in
// Go. The first error stays, so that callers ask once, at the end.
//
// Lines are read twice: when the script is parsed, to find mistakes, and when
// they are run, with the values of variables in place. A number that is still a
// variable therefore counts as 0.
type Words struct {
	rest string
	err  error
}

// NewWords returns the words of a text.
func NewWords(text string) *Words { return &Words{rest: strings.TrimSpace(text)} }

// Fail notes an error, if there is none yet.
func (w *Words) Fail(format string, values ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, values...)
	}
}

// More reports whether there are more words, and no error yet.
func (w *Words) More() bool { return w.err == nil && !w.Empty() }

// Empty reports whether there are no more words.
func (w *Words) Empty() bool { return w.rest == "" }

// Word takes the next word, which what describes if it is missing.
func (w *Words) Word(what string) string {
	if w.Empty() {
		w.Fail("%s is missing", what)
		return ""
	}
	if w.rest[0] == '"' {
		quoted, err := strconv.QuotedPrefix(w.rest)
		if err != nil {
			w.Fail("%s: the quotes do not end", what)
			return ""
		}
		w.rest = strings.TrimSpace(w.rest[len(quoted):])
		word, _ := strconv.Unquote(quoted) // QuotedPrefix has checked it
		return word
	}
	word, rest := CutWord(w.rest)
	w.rest = rest
	return word
}

// Optional takes the next word if there is one.
func (w *Words) Optional() string {
	if w.Empty() {
		return ""
	}
	return w.Word("a word")
}

// IsNext reports whether the next word is the given one, without quotes.
func (w *Words) IsNext(word string) bool {
	first, _ := CutWord(w.rest)
	return first == word
}

// IsJSON reports whether a JSON object is next.
func (w *Words) IsJSON() bool { return strings.HasPrefix(w.rest, "{") }

// Next takes the next word if it is the given one.
func (w *Words) Next(word string) bool {
	if !w.IsNext(word) {
		return false
	}
	_, w.rest = CutWord(w.rest)
	return true
}

// Expect takes words that have to be there.
func (w *Words) Expect(words ...string) {
	for _, word := range words {
		if !w.Next(word) {
			w.Fail("want %q, got %q", word, w.rest)
			return
		}
	}
}

// Number takes an integer.
func (w *Words) Number(what string) int {
	word := w.Word(what)
	n, err := strconv.Atoi(word)
	if err != nil && !Placeholders.MatchString(word) {
		w.Fail("%s is not a number: %q", what, word)
	}
	return n
}

// NumberOr takes an integer if one is there.
func (w *Words) NumberOr(otherwise int, what string) int {
	if w.Empty() {
		return otherwise
	}
	return w.Number(what)
}

// Duration takes a duration in Go's form.
func (w *Words) Duration(what string) time.Duration {
	word := w.Word(what)
	d, err := time.ParseDuration(word)
	if err != nil {
		w.Fail("%s is not a duration: %q", what, word)
	}
	return d
}

// Refusal takes an error of the editor's: CODE "message".
func (w *Words) Refusal() *Refusal {
	return &Refusal{Code: w.Number("the code"), Message: w.Word("the message")}
}

// Rest takes what is left, which what describes if it is missing: one quoted word,
// or a text as it stands.
func (w *Words) Rest(what string) string {
	if strings.HasPrefix(w.rest, `"`) {
		return w.Word(what)
	}
	rest := w.rest
	if w.rest = ""; rest == "" {
		w.Fail("%s is missing", what)
	}
	return rest
}

// JSON takes a JSON text that is the rest of the line. It may be empty.
func (w *Words) JSON() string {
	if _, err := readJSON(w.rest); err != nil {
		w.Fail("%w", err)
	}
	text := w.rest
	w.rest = ""
	return text
}

// End reports the first error, or words that are left over.
func (w *Words) End() error {
	if w.err == nil && !w.Empty() {
		w.Fail("unknown: %q", w.rest)
	}
	return w.err
}
