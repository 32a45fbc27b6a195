package sessiontest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cutWord takes the first word off a text.
func cutWord(text string) (word, rest string) {
	end := strings.IndexAny(text, " \t\n")
	if end < 0 {
		return text, ""
	}
	return text[:end], strings.TrimSpace(text[end:])
}

// args are the words after a command. A word with spaces in it is quoted as in
// Go. The first error stays, so that callers ask once, at the end.
//
// Lines are read twice: when the script is parsed, to find mistakes, and when
// they are run, with the values of variables in place. A number that is still a
// variable therefore counts as 0.
type args struct {
	rest string
	err  error
}

func newArgs(text string) *args { return &args{rest: strings.TrimSpace(text)} }

func (a *args) fail(format string, values ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, values...)
	}
}

// empty reports whether there are no more words.
func (a *args) empty() bool { return a.rest == "" }

// word takes the next word, which what describes if it is missing.
func (a *args) word(what string) string {
	if a.empty() {
		a.fail("%s is missing", what)
		return ""
	}
	if a.rest[0] == '"' {
		quoted, err := strconv.QuotedPrefix(a.rest)
		if err != nil {
			a.fail("%s: the quotes do not end", what)
			return ""
		}
		a.rest = strings.TrimSpace(a.rest[len(quoted):])
		word, _ := strconv.Unquote(quoted) // QuotedPrefix has checked it
		return word
	}
	word, rest := cutWord(a.rest)
	a.rest = rest
	return word
}

// optional takes the next word if there is one.
func (a *args) optional() string {
	if a.empty() {
		return ""
	}
	return a.word("a word")
}

// isNext reports whether the next word is the given one, without quotes.
func (a *args) isNext(word string) bool {
	first, _ := cutWord(a.rest)
	return first == word
}

// next takes the next word if it is the given one.
func (a *args) next(word string) bool {
	if !a.isNext(word) {
		return false
	}
	_, a.rest = cutWord(a.rest)
	return true
}

// expect takes words that have to be there.
func (a *args) expect(words ...string) {
	for _, word := range words {
		if !a.next(word) {
			a.fail("want %q, got %q", word, a.rest)
			return
		}
	}
}

// number takes an integer.
func (a *args) number(what string) int {
	word := a.word(what)
	n, err := strconv.Atoi(word)
	if err != nil && !placeholder.MatchString(word) {
		a.fail("%s is not a number: %q", what, word)
	}
	return n
}

// numberOr takes an integer if one is there.
func (a *args) numberOr(otherwise int, what string) int {
	if a.empty() {
		return otherwise
	}
	return a.number(what)
}

// duration takes a duration in Go's form.
func (a *args) duration(what string) time.Duration {
	word := a.word(what)
	d, err := time.ParseDuration(word)
	if err != nil {
		a.fail("%s is not a duration: %q", what, word)
	}
	return d
}

// tail takes all that is left.
func (a *args) tail() string {
	rest := a.rest
	a.rest = ""
	return rest
}

// json takes a JSON text that is the rest of the line. It may be empty.
func (a *args) json() string {
	if err := checkJSON(a.rest); err != nil {
		a.fail("%w", err)
	}
	return a.tail()
}

// end reports the first error, or words that are left over.
func (a *args) end() error {
	if a.err == nil && !a.empty() {
		a.fail("unknown: %q", a.rest)
	}
	return a.err
}
