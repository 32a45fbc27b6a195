package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// value is a JSON value that keeps the order of its members.
type value struct {
	scalar  string // as in the text; empty for a list or an object
	list    []*value
	members []member
	object  bool
}

type member struct {
	name  string
	value *value
}

// parseValue parses one JSON value; nil stands for nothing but white space.
func parseValue(text string) (*value, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	v, err := readValue(dec)
	if err != nil {
		return nil, jsonError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

func jsonError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON ends too early")
	}
	return err
}

func readValue(dec *json.Decoder) (*value, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('['):
		v := &value{}
		for dec.More() {
			item, err := readValue(dec)
			if err != nil {
				return nil, err
			}
			v.list = append(v.list, item)
		}
		_, err = dec.Token()
		return v, err
	case json.Delim('{'):
		v := &value{object: true}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			item, err := readValue(dec)
			if err != nil {
				return nil, err
			}
			v.members = append(v.members, member{name.(string), item})
		}
		_, err = dec.Token()
		return v, err
	}
	return newScalar(tok), nil
}

// newScalar returns the value of a string, a number, a boolean or nil.
func newScalar(of any) *value {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(of); err != nil {
		panic(err) // no scalar is without a JSON form
	}
	return &value{scalar: strings.TrimSuffix(b.String(), "\n")}
}

// text returns the string that the value is, if it is one.
func (v *value) text() (string, bool) {
	var s string
	if !strings.HasPrefix(v.scalar, `"`) || json.Unmarshal([]byte(v.scalar), &s) != nil {
		return "", false
	}
	return s, true
}

// line writes the value on one line.
func (v *value) line() string {
	switch {
	case v.scalar != "":
		return v.scalar
	case v.object:
		var parts []string
		for _, m := range v.members {
			parts = append(parts, newScalar(m.name).scalar+": "+m.value.line())
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	var parts []string
	for _, item := range v.list {
		parts = append(parts, item.line())
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// pretty writes the value on one line where that fits into width behind a
// beginning of the given length, else one item a line, indented.
func (v *value) pretty(indent string, begun, width int) string {
	line := v.line()
	if v.scalar != "" || begun+utf8.RuneCountInString(line) <= width || line == "{}" || line == "[]" {
		return line
	}
	deeper := indent + "  "
	var parts []string
	open, end := "[", "]"
	for _, item := range v.list {
		parts = append(parts, deeper+item.pretty(deeper, len(deeper)+1, width))
	}
	if v.object {
		open, end = "{", "}"
		for _, m := range v.members {
			name := deeper + newScalar(m.name).scalar + ": "
			parts = append(parts, name+m.value.pretty(deeper, utf8.RuneCountInString(name)+1, width))
		}
	}
	return open + "\n" + strings.Join(parts, ",\n") + "\n" + indent + end
}
