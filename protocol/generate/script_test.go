package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAMalformedScriptIsNamedWithItsLine(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"no session", "Prose.\n-- setup --\ngitlab\n", "s.txtar:1: no section called session"},
		{"two sessions", "-- session --\n-- session --\n", "s.txtar:2: a second section called session"},
		{"arrow alone", "-- session --\n\n->\n", `s.txtar:3: a line begins with ->, <-`},
		{"no arrow", "-- session --\nhello\n", `s.txtar:2: a line begins with ->, <-`},
		{"id alone", "-- session --\n-> 1\n", "s.txtar:2: the method is missing"},
		{"stray continuation", "-- session --\n# words\n  {}\n", "s.txtar:3: a continuation of nothing"},
		{"after a blank line", "-- session --\n-> 1 m {\n\n}\n", "s.txtar:2: not JSON: the JSON ends too early"},
		{"bad JSON", "-- session --\n-> initialized {}\n-> 1 m {\n   \"a\": }\n", "s.txtar:3: not JSON: "},
		{"two values", "-- session --\n-> 1 m {} {}\n", "s.txtar:2: not JSON: more than one JSON value"},
		{"unknown error", "-- session --\n<- 1 error Oops {}\n", `s.txtar:2: no error of the protocol is called "Oops"`},
		{"neither result nor error", "-- session --\n<- 1 answer {}\n", "s.txtar:2: an answer is ID result JSON"},
		{"empty reply", "-- session --\n-> reply window/showDocument\n", "s.txtar:2: an answer is"},
		{"last line", "-- session --\n-> 1 m {", "s.txtar:2: not JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseScript("s.txtar", test.text)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestAScriptIsReadLineByLine(t *testing.T) {
	s, err := parseScript("s.txtar", `Prose, with -> an arrow.
-- setup --
not -> a message
-- session --
# A comment.
-> 1 initialize {
     "processId": null
   }
<= window/logMessage {"type": 3,
   "message": "${any}"}
!  gitlab says
   something long
->2 "a b" gitlabSM/status
<-2 "a b" error NotConfigured
->1 -7 shutdown
<- -7 result null
<- null error ParseError {}
-> frame {not JSON
-> reply window/showDocument result {"success": ${any}}
-> reply 5 error -32603 "no"
-- notes.txt --
<- 1 result {
`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range s.messages {
		body := ""
		if m.body != nil {
			body = " " + m.body.line()
		}
		got = append(got, strings.Join([]string{string(m.from), m.window, m.id, m.method, m.err}, ",")+body)
	}
	want := []string{
		`editor,,1,initialize, {"processId": null}`,
		`agent,,,window/logMessage, {"type": 3, "message": "${any}"}`,
		`editor,2,"a b",gitlabSM/status,`,
		`agent,2,"a b",,NotConfigured`,
		`editor,,-7,shutdown,`,
		`agent,,-7,, null`,
		`agent,,null,,ParseError {}`,
		`editor,,,,`,
		`editor,,window/showDocument,, {"success": "${any}"}`,
		`editor,,5,,`,
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	if s.messages[2].line != 13 {
		t.Errorf("line %d, want 13", s.messages[2].line)
	}
}

func TestScriptsComeInTheOrderOfPreference(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"zebra.txtar", "sign-in.txtar", "ant.txtar", "notes.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("-- session --\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	scripts, err := readScripts(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range scripts {
		names = append(names, filepath.Base(s.path))
	}
	if got := strings.Join(names, " "); got != "sign-in.txtar ant.txtar zebra.txtar" {
		t.Error(got)
	}
	if scripts, err := readScripts(filepath.Join(dir, "none")); err != nil || scripts != nil {
		t.Errorf("without a directory: %v, %v", scripts, err)
	}
}
