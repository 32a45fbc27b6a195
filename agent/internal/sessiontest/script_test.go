package sessiontest

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestMistakesAreFoundWithTheirLine(t *testing.T) {
	tests := []struct{ name, script, want string }{
		{"no prose", "-- session --\n-> exit\n", "line 1: a script begins with prose"},
		{"no session", "Prose.\n-- setup --\n", "no section -- session --"},
		{"setup", "Prose.\n-- setup --\n\n# comment\ngitlub\n-- session --\n-> exit\n", `line 5: the setup has no command "gitlub"`},
		{"gitlab", "Prose.\n-- setup --\ngitlab one color red\n-- session --\n-> exit\n", `line 3: a gitlab has no option "color"`},
		{"arrow", "Prose.\n-- session --\n=> exit\n", "line 3: a step begins with"},
		{"json", "Prose.\n-- session --\n-> 1 a {\n  \"b\": }\n", "line 3: not JSON"},
		{"pattern", "Prose.\n-- session --\n-> exit\n<- 1 result {\"a\": ${any}, }\n", "line 4: not JSON"},
		{"error", "Prose.\n-- session --\n<- 1 error Nonesuch\n", `line 3: the protocol has no error "Nonesuch"`},
		{"response", "Prose.\n-- session --\n<- 1 outcome {}\n", "line 3: a response is"},
		{"bytes", "Prose.\n-- session --\n-> bytes abc\n", "line 3: abc is not a"},
		{"continuation", "Prose.\n-- session --\n\n  more\n", "line 4 continues nothing"},
		{"outside", "Prose.\n-- session --\n! browser sleeps\n", `line 3: a browser does not do "sleeps"`},
		{"left over", "Prose.\n-- session --\n! kill 1 2\n", `line 3: unknown: "2"`},
		{"section twice", "Prose.\n-- session --\n-> exit\n-- session --\n-> exit\n", `line 4: a second section "session"`},
		{"file", "Prose.\n-- session --\n-> exit\n-- ../x --\n", `line 4: "../x" is not a file of the workspace`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse([]byte(test.script))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Errorf("%T is no SyntaxError", err)
			}
		})
	}
}

func TestExample(t *testing.T) {
	script, err := Parse([]byte(`Prose.

-- session --
-> 1 gitlabSM/status {}
-> 2 gitlabSM/request {
  "path": "/user"}
<- gitlabSM/didChangeInstances {"instances": []}
<- 1 result {"instances": []}
<- 2 error
  NotConfigured
`))
	if err != nil {
		t.Fatal(err)
	}
	texts := func(method string) string {
		var list []string
		for _, step := range script.Example(method) {
			list = append(list, step.Text)
		}
		return strings.Join(list, "|")
	}
	for method, want := range map[string]string{
		"gitlabSM/status":             `-> 1 gitlabSM/status {}|<- 1 result {"instances": []}`,
		"gitlabSM/request":            "-> 2 gitlabSM/request {\n  \"path\": \"/user\"}|<- 2 error\n  NotConfigured",
		"gitlabSM/didChangeInstances": `<- gitlabSM/didChangeInstances {"instances": []}`,
		"gitlabSM/token":              "",
	} {
		if got := texts(method); got != want {
			t.Errorf("%s: got %q, want %q", method, got, want)
		}
	}
	if step := script.Session[4]; step.Number != 9 || step.Count != 2 {
		t.Errorf("the last step is at line %d with %d lines", step.Number, step.Count)
	}
}

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
		pattern, err := parseValue([]byte(test.pattern))
		if err != nil {
			t.Fatal(err)
		}
		actual, err := parseValue([]byte(test.actual))
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

func TestManualShowsAScript(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(source), "// # A script\n//\n")
	shown, _, _ := strings.Cut(after, "//\n// A script is")
	script := strings.NewReplacer("//\t", "", "//\n", "\n").Replace(shown)
	if parsed, err := Parse([]byte(script)); err != nil || len(parsed.Session) != 4 {
		t.Errorf("%v, in:\n%s", err, script)
	}
}
