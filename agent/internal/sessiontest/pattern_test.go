package sessiontest

import (
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

func TestPatterns(t *testing.T) {
	tests := []struct{ pattern, actual, diff string }{
		{`{"a": 1}`, `{"b": 2, "a": 1}`, ""},
		{`{"a": 1}`, `{"a": 2}`, ".a: want 1, got 2"},
		{`{"a": {"b": true}}`, `{"a": {}}`, ".a.b: want true, but the field is missing"},
		{`{"a": "${absent}"}`, `{}`, ""},
		{`{"a": "${absent}"}`, `{"a": null}`, ".a: want no such field, got null"},
		{`["a", "b"]`, `["a"]`, "the value: want 2 elements, got 1"},
		{`["a", "${rest}"]`, `["a", 1, 2]`, ""},
		{`["a", "${rest}"]`, `["b"]`, `[0]: want "a", got "b"`},
		{`null`, `{}`, "the value: want null, got {}"},
		{`"1"`, `1`, `the value: want "1", got 1`},
		{`"${any}"`, `[]`, ""},
		{`"${string}"`, `""`, "the value: want"},
		{`"${string}"`, `7`, "the value: want"},
		{`"${number}"`, `-7.5`, ""},
		{`"${number}"`, `true`, "the value: want"},
		{`"${time}"`, `"2026-01-02T03:04:05.678Z"`, ""},
		{`"${time}"`, `"2026-13-02T03:04:05Z"`, "the value: want"},
		{`"${time}"`, `"2026-01-02T03:04:05+01:00"`, "the value: want"},
		{`"${contains:b}"`, `"abc"`, ""},
		{`"${contains:x}"`, `"abc"`, "the value: want"},
		{`"http://h:${port}/${any}"`, `"http://h:80/"`, ""},
		{`"http://h:${port}/"`, `"http://h:http/"`, "the value: want"},
		{`{"a": "${bind:x}", "b": "${bind:x}"}`, `{"a": "1", "b": "1"}`, ""},
		{`{"a": "${bind:x}", "b": "${bind:x}"}`, `{"a": "1", "b": "2"}`, ".b: want"},
		{`"${bind:known}"`, `"other"`, "the value: want"},
		{`"a.c"`, `"abc"`, "the value: want"},
	}
	for _, test := range tests {
		pattern, err := script.ParseValue([]byte(test.pattern))
		if err != nil {
			t.Fatal(err)
		}
		actual, err := script.ParseValue([]byte(test.actual))
		if err != nil {
			t.Fatal(err)
		}
		vars := variables{"known": "this"}
		diffs := match(pattern, actual, vars)
		if test.diff == "" && diffs != nil || test.diff != "" && (len(diffs) != 1 || !strings.HasPrefix(diffs[0], test.diff)) {
			t.Errorf("%s with %s: got %q, want %q", test.pattern, test.actual, diffs, test.diff)
		}
		if diffs != nil && len(vars) > 1 {
			t.Errorf("%s with %s: bound %v without a match", test.pattern, test.actual, vars)
		}
	}
}
