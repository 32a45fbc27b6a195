package secret

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxEscapes is how deep escapes within escapes are undone: JSON in a parameter
// of a URL in JSON.
const maxEscapes = 3

// view is a text as it reads when escapes are undone, and where each byte of it
// stands in the text as it was. A view without escapes has no places.
type view struct {
	text   string
	places []place
}

// place is where a byte of a view comes from.
type place struct{ from, to int }

// original turns bounds in the view into bounds in the text as it was.
func (v view) original(from, to int) (int, int) {
	if v.places == nil {
		return from, to
	}
	return v.places[from].from, v.places[to-1].to
}

// views calls look with the text, and with it as it reads when escapes of a URL,
// of JSON and of Go are undone, in whatever order they were made.
func views(text string, look func(view)) { view{text: text}.andWithin(maxEscapes, look) }

func (v view) andWithin(depth int, look func(view)) {
	look(v)
	if depth == 0 {
		return
	}
	for _, escape := range []struct {
		first  byte
		decode func(string) (string, int)
	}{{'%', percent}, {'\\', backslash}} {
		if inner, ok := v.unescape(escape.first, escape.decode); ok {
			inner.andWithin(depth-1, look)
		}
	}
}

// unescape returns the view with one kind of escape undone, and whether there was
// any. decode returns what the escape at the start of a text stands for, and its
// length, 0 for none.
func (v view) unescape(first byte, decode func(string) (string, int)) (view, bool) {
	if strings.IndexByte(v.text, first) < 0 {
		return view{}, false
	}
	text := make([]byte, 0, len(v.text))
	places := make([]place, 0, len(v.text))
	found := false
	for at := 0; at < len(v.text); {
		plain, length := v.text[at:at+1], 1
		if v.text[at] == first {
			if decoded, n := decode(v.text[at:]); n > 0 {
				plain, length, found = decoded, n, true
			}
		}
		from, to := v.original(at, at+length)
		for i := range len(plain) {
			text, places = append(text, plain[i]), append(places, place{from, to})
		}
		at += length
	}
	return view{string(text), places}, found
}

// percent decodes %41 (RFC 3986 section 2.1).
func percent(text string) (string, int) {
	if code, ok := hexadecimal(text, 1, 2); ok {
		return string([]byte{byte(code)}), 3
	}
	return "", 0
}

// backslash decodes the escapes of JSON (RFC 8259 section 7) and those that Go has
// beyond them.
func backslash(text string) (string, int) {
	if len(text) < 2 {
		return "", 0
	}
	if at := strings.IndexByte(`abfnrtv"'/\`, text[1]); at >= 0 {
		return "\a\b\f\n\r\t\v\"'/\\"[at : at+1], 2
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[text[1]]
	code, ok := hexadecimal(text, 2, digits)
	switch {
	case !ok:
		return "", 0
	case text[1] == 'x':
		return string([]byte{byte(code)}), 4
	}
	length := 2 + digits
	if low, ok := hexadecimal(text, length+2, 4); ok && utf16.IsSurrogate(code) && text[length:length+2] == `\u` {
		if pair := utf16.DecodeRune(code, low); pair != utf8.RuneError {
			return string(pair), length + 6
		}
	}
	return string(code), length
}

// hexadecimal reads so many digits at an index, if they are there.
func hexadecimal(text string, at, digits int) (rune, bool) {
	if digits == 0 || len(text) < at+digits {
		return 0, false
	}
	code, err := strconv.ParseUint(text[at:at+digits], 16, 32)
	return rune(code), err == nil
}
