package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A Value is a JSON value that keeps the order of its fields and the text of its
// numbers, so that what is written is what was read and nothing else.
type Value struct {
	Kind   Kind
	Text   string   // of a string its content, of another scalar its literal
	Keys   []string // of an object
	Values []*Value // of an object or an array
}

// Kind says what a [Value] is.
type Kind byte

// The values of [Kind].
const (
	Scalar Kind = iota // number, true, false, null
	Text
	Array // this and what follows has members
	Object
)

// NewScalar returns the value of a string, a number, a boolean or nil.
func NewScalar(of any) *Value {
	switch of := of.(type) {
	case string:
		return &Value{Kind: Text, Text: of}
	case nil:
		return &Value{Text: "null"}
	default:
		return &Value{Text: fmt.Sprint(of)}
	}
}

// ParseValue reads exactly one JSON value.
func ParseValue(data []byte) (*Value, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := readValue(dec)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("the JSON ends too early")
	}
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

func readValue(dec *json.Decoder) (*Value, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return readMembers(dec, &Value{Kind: Object})
	case json.Delim('['):
		return readMembers(dec, &Value{Kind: Array})
	}
	return NewScalar(token), nil
}

func readMembers(dec *json.Decoder, v *Value) (*Value, error) {
	for dec.More() {
		if v.Kind == Object {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v.Keys = append(v.Keys, key.(string)) // the decoder takes nothing else
		}
		member, err := readValue(dec)
		if err != nil {
			return nil, err
		}
		v.Values = append(v.Values, member)
	}
	_, err := dec.Token()
	return v, err
}

// Field returns a field of an object, or nil.
func (v *Value) Field(name string) *Value {
	for i, key := range v.Keys {
		if key == name {
			return v.Values[i]
		}
	}
	return nil
}

// String is the value on one line.
func (v *Value) String() string {
	switch v.Kind {
	case Scalar:
		return v.Text
	case Text:
		return Quote(v.Text)
	}
	var members []string
	for i, member := range v.Values {
		members = append(members, v.label(i)+member.String())
	}
	return v.bracket(strings.Join(members, ", "))
}

// A Layout says how a value is written that may be too long for its line: with a
// line for each member then, indented.
type Layout struct {
	Width  int    // where a line ends
	Indent string // of the lines around the members
	// EndsAlone puts the closing bracket on a line of its own.
	EndsAlone bool
}

// Format is the value as it stands after so many columns.
func (l Layout) Format(v *Value, column int) string {
	line := v.String()
	if column+utf8.RuneCountInString(line) <= l.Width || v.Kind < Array || len(v.Values) == 0 {
		return line
	}
	inner := l
	inner.Indent += "  "
	var members []string
	for i, member := range v.Values {
		label := inner.Indent + v.label(i)
		members = append(members, "\n"+label+inner.Format(member, utf8.RuneCountInString(label)+len(",")))
	}
	end := ""
	if l.EndsAlone {
		end = "\n" + l.Indent
	}
	return v.bracket(strings.Join(members, ",") + end)
}

// label is what stands before a member.
func (v *Value) label(i int) string {
	if v.Kind == Array {
		return ""
	}
	return Quote(v.Keys[i]) + ": "
}

// bracket puts the members into brackets.
func (v *Value) bracket(members string) string {
	if v.Kind == Array {
		return "[" + members + "]"
	}
	return "{" + members + "}"
}

// Quote writes a JSON string as a person would, "<" and "&" included.
func Quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}
