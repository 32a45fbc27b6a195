package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
)

// ProgressToken names work that progress is reported on: a string or an integer,
// which comes back as it was sent.
type ProgressToken struct{ raw string }

// NewProgressToken returns a token of the agent's own.
func NewProgressToken(name string) ProgressToken {
	quoted, _ := json.Marshal(name) // a string always encodes
	return ProgressToken{string(quoted)}
}

// IsZero reports whether there is no token.
func (t ProgressToken) IsZero() bool { return t.raw == "" }

// MarshalJSON writes the token as it was sent.
func (t ProgressToken) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(t.raw), nil
}

// UnmarshalJSON takes a string or an integer.
func (t *ProgressToken) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if string(data) == "null" {
		t.raw = ""
		return nil
	}
	if !IsStringOrInteger(data) {
		return errors.New("a progress token is a string or an integer")
	}
	t.raw = string(data)
	return nil
}

// IsStringOrInteger reports whether data is a JSON string or integer: the types
// that LSP gives to request ids and progress tokens. data must be valid JSON.
func IsStringOrInteger(data []byte) bool {
	if len(data) == 0 {
		return false
	}
	first := data[0]
	return first == '"' || (first == '-' || '0' <= first && first <= '9') && !bytes.ContainsAny(data, ".eE")
}

// QueryValue is the value of a query parameter: a string, a number, a boolean, or
// a list of them.
type QueryValue []string

// UnmarshalJSON takes a scalar or a list of scalars.
func (v *QueryValue) UnmarshalJSON(data []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil || list == nil {
		list = []json.RawMessage{data}
	}
	*v = make(QueryValue, 0, len(list))
	for _, item := range list {
		switch item = bytes.TrimSpace(item); item[0] {
		case '"':
			var s string
			if err := json.Unmarshal(item, &s); err != nil {
				return err
			}
			*v = append(*v, s)
		case '{', '[', 'n':
			return errors.New("a query parameter is a string, a number, a boolean or a list of them")
		default:
			*v = append(*v, string(item))
		}
	}
	return nil
}

// MarshalJSON writes a single value as a string, several as a list.
func (v QueryValue) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}
