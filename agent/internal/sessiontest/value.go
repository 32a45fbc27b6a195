package sessiontest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// A value is a JSON value that keeps the order of its fields and the text of its
// numbers, so that -update writes what was received and nothing else.
type value struct {
	kind   kind
	text   string   // of a string its content, of another scalar its literal
	keys   []string // of an object
	values []*value // of an object or an array
}

type kind byte

const (
	scalar kind = iota // number, true, false, null
	text
	array
	object
)

func newText(s string) *value { return &value{kind: text, text: s} }

// parseValue reads exactly one JSON value.
func parseValue(data []byte) (*value, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := readValue(dec)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

func readValue(dec *json.Decoder) (*value, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case string:
		return newText(token), nil
	case json.Number:
		return &value{text: token.String()}, nil
	case bool:
		if token {
			return &value{text: "true"}, nil
		}
		return &value{text: "false"}, nil
	case json.Delim:
		v := &value{kind: array}
		if token == '{' {
			v.kind = object
		}
		return v, readMembers(dec, v)
	default:
		return &value{text: "null"}, nil
	}
}

func readMembers(dec *json.Decoder, v *value) error {
	for dec.More() {
		if v.kind == object {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			v.keys = append(v.keys, key.(string)) // the decoder takes nothing else
		}
		member, err := readValue(dec)
		if err != nil {
			return err
		}
		v.values = append(v.values, member)
	}
	_, err := dec.Token()
	return err
}

// field returns a field of an object, or nil.
func (v *value) field(name string) *value {
	for i, key := range v.keys {
		if key == name {
			return v.values[i]
		}
	}
	return nil
}

// String is the value on one line.
func (v *value) String() string {
	var b strings.Builder
	v.write(&b)
	return b.String()
}

func (v *value) write(b *strings.Builder) {
	switch v.kind {
	case scalar:
		b.WriteString(v.text)
		return
	case text:
		b.WriteString(quote(v.text))
		return
	}
	b.WriteByte("[{"[v.kind-array])
	for i, member := range v.values {
		if i > 0 {
			b.WriteString(", ")
		}
		if v.kind == object {
			b.WriteString(quote(v.keys[i]) + ": ")
		}
		member.write(b)
	}
	b.WriteByte("]}"[v.kind-array])
}

// width is where a line of a script ends; a longer value is broken between its
// fields.
const width = 118

// layout is the value as it stands after a prefix of that many columns: on that
// line if it fits, otherwise with a line for each field, indented.
func (v *value) layout(column int, indent string) string {
	line := v.String()
	if column+len(line) <= width || v.kind < array || len(v.values) == 0 {
		return line
	}
	var b strings.Builder
	inner := indent + "  "
	b.WriteByte("[{"[v.kind-array])
	for i, member := range v.values {
		label := ""
		if v.kind == object {
			label = quote(v.keys[i]) + ": "
		}
		b.WriteString("\n" + inner + label + member.layout(len(inner)+len(label), inner))
		if i < len(v.values)-1 {
			b.WriteByte(',')
		}
	}
	b.WriteByte("]}"[v.kind-array])
	return b.String()
}

// quote writes a JSON string as a person would, "<" and "&" included.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}
