package protocol_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// isStringOrInteger is LSP's rule, said in another way than the package says it.
func isStringOrInteger(value any) bool {
	switch v := value.(type) {
	case string:
		return true
	case json.Number:
		return !strings.ContainsAny(v.String(), ".eE")
	}
	return false
}

// decode reads one JSON value, and keeps numbers as they are written.
func decode(data []byte) (value any, ok bool) {
	if !json.Valid(data) {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return value, decoder.Decode(&value) == nil
}

var tokenSeeds = []string{
	`1`, `-0`, `-9223372036854775809`, `1e2`, `1.0`, `""`, `"a"`, `"\u0061"`, `"\ud800"`, "\"\u2028<\"", `null`, `true`, `{}`, `[1]`, ` 7 `, "\t\"a\"\n", `"1"`, "", `-`, "\"\xff\"", `nul`,
}

func FuzzProgressToken(f *testing.F) {
	for _, seed := range tokenSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var token protocol.ProgressToken
		err := json.Unmarshal(data, &token)
		value, ok := decode(data)
		if want := ok && (value == nil || isStringOrInteger(value)); (err == nil) != want {
			t.Fatalf("%q: %v", data, err)
		}
		if err != nil {
			return
		}
		if token.IsZero() != (value == nil) {
			t.Errorf("%q: no token is %t", data, token.IsZero())
		}
		out, err := json.Marshal(token)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if back, ok := decode(out); !ok || back != value {
			t.Errorf("%q came back as %q", data, out)
		}
		var again protocol.ProgressToken // as a key, it is found again
		if err := json.Unmarshal(data, &again); err != nil || again != token {
			t.Errorf("%q is another token the second time, %v", data, err)
		}
	})
}

func FuzzNewProgressToken(f *testing.F) {
	for _, seed := range []string{"", "codestream-agent/A2", "\x00\a\x7f", "\"\\", "ü\u2028<\U0001f600"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		out, err := json.Marshal(protocol.NewProgressToken(name))
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		var back string
		if err := json.Unmarshal(out, &back); err != nil || utf8.ValidString(name) && back != name {
			t.Errorf("%q came back as %q, %v", name, back, err)
		}
	})
}

func FuzzIsStringOrInteger(f *testing.F) {
	for _, seed := range tokenSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := protocol.IsStringOrInteger(bytes.TrimSpace(data))
		if value, ok := decode(data); ok && got != isStringOrInteger(value) {
			t.Errorf("%q: %t", data, got)
		}
	})
}

func FuzzQueryValue(f *testing.F) {
	for _, seed := range append(tokenSeeds, `["a",1,true]`, `[]`, `[[1]]`, `[null]`, `[{}]`, `[ "a" , 2 ]`, `[1e400]`) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var value protocol.QueryValue
		if err := json.Unmarshal(data, &value); err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q was taken for %q", data, value)
		}
		out, err := json.Marshal(value)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		var again protocol.QueryValue
		if err := json.Unmarshal(out, &again); err != nil || !slices.Equal(again, value) {
			t.Errorf("%q was taken for %q, and written as %s, which is %q, %v", data, value, out, again, err)
		}
	})
}
