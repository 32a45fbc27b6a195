package script

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestMistakesAreFoundWithTheirLine(t *testing.T) {
	for _, test := range []struct{ name, script, want string }{
		{"no prose", "-- session --\n-> exit\n", "s.txtar:1: a script begins with prose"},
		{"no session", "Prose.\n-- setup --\n", "s.txtar:3: there is no section -- session --"},
		{"nothing in the session", "Prose.\n-- session --\n# a comment\n", "s.txtar:4: there is no section -- session --"},
		{"section twice", "Prose.\n-- session --\n-> exit\n-- session --\n-> exit\n", `s.txtar:4: a second section "session"`},
		{"file", "Prose.\n-- session --\n-> exit\n-- ../x --\n", `s.txtar:4: "../x" is not a file of the workspace`},
		{"arrow", "Prose.\n-- session --\n=> exit\n", "s.txtar:3: a step begins with"},
		{"arrow alone", "Prose.\n-- session --\n\n->\n", "s.txtar:4: a step begins with"},
		{"no arrow", "Prose.\n-- session --\nhello\n", "s.txtar:3: a step begins with"},
		{"id alone", "Prose.\n-- session --\n-> 1\n", "s.txtar:3: the method is missing"},
		{"json", "Prose.\n-- session --\n-> initialized {}\n-> 1 a {\n  \"b\": }\n", "s.txtar:4: not JSON"},
		{"two values", "Prose.\n-- session --\n-> 1 m {} {}\n", "s.txtar:3: not JSON: more than one JSON value"},
		{"pattern", "Prose.\n-- session --\n-> exit\n<- 1 result {\"a\": ${any}, }\n", "s.txtar:4: not JSON"},
		{"after a blank line", "Prose.\n-- session --\n-> 1 m {\n\n}\n", "s.txtar:3: not JSON: the JSON ends too early"},
		{"last line", "Prose.\n-- session --\n-> 1 m {", "s.txtar:3: not JSON: the JSON ends too early"},
		{"error", "Prose.\n-- session --\n<- 1 error Nonesuch\n", `s.txtar:3: the protocol has no error "Nonesuch"`},
		{"response", "Prose.\n-- session --\n<- 1 outcome {}\n", "s.txtar:3: a response is"},
		{"empty reply", "Prose.\n-- session --\n-> reply window/showDocument\n", "s.txtar:3: a reply is"},
		{"reply without a result", "Prose.\n-- session --\n-> reply 1 result\n", "s.txtar:3: the result is missing"},
		{"refusal", "Prose.\n-- session --\n-> reply 1 error no \"no\"\n", `s.txtar:3: the code is not a number: "no"`},
		{"bytes", "Prose.\n-- session --\n-> bytes abc\n", "s.txtar:3: abc is not a"},
		{"continuation", "Prose.\n-- session --\n\n  more\n", "s.txtar:2: line 4 continues nothing"},
		{"continued comment", "Prose.\n-- session --\n# words\n  {}\n", "s.txtar:2: line 4 continues nothing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("s.txtar", []byte(test.script), Commands{})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Errorf("%T is no SyntaxError", err)
			}
		})
	}
}

func TestCommandsAreCheckedWhereTheyStand(t *testing.T) {
	unknown := func(text string) error { return fmt.Errorf("unknown: %q", text) }
	_, err := Parse("", []byte("Prose.\n-- setup --\n\ngitlab\n one\n-- session --\n->\n!  page 1\n"), Commands{unknown, unknown})
	const want = `line 4: unknown: "gitlab\n one"
line 7: a step begins with "->", "<-", "<=" or "!", and goes on after a space
line 8: unknown: "page 1"`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestAScriptIsReadLineByLine(t *testing.T) {
	s, err := Parse("s.txtar", []byte(`Prose, with -> an arrow.
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
<-2 "a b" error
   NotConfigured
->1 -7 shutdown
<- -7 result null
<- null error ParseError {}
-> frame {not JSON
-> bytes "\r\n"
-> padding 3
-> initialized
-> reply window/showDocument result {"success": ${any}}
-> reply 5 error -32603 "no way"
-- notes.txt --
<- 1 result {
`), Commands{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, step := range s.Session {
		body := step.Body
		if step.JSON != nil {
			body = step.JSON.String()
		}
		if step.Refusal != nil {
			body = fmt.Sprint(*step.Refusal)
		}
		got = append(got, fmt.Sprintf("%d+%d %s%d form %d|%s|%s|%s|%s|%s", step.Number, step.Count,
			step.Arrow, step.Window, step.Form, step.ID, step.Method, step.Target, step.ErrorName, body))
	}
	want := []string{
		`6+3 ->1 form 0|1|initialize|||{"processId": null}`,
		`9+2 <=1 form 6||window/logMessage|||{"type": 3, "message": "${any}"}`,
		"11+2 !0 form 9|||||gitlab says\n   something long",
		`13+1 ->2 form 0|"a b"|gitlabSM/status|||`,
		`14+2 <-2 form 8|"a b"|||NotConfigured|`,
		`16+1 ->1 form 0|-7|shutdown|||`,
		`17+1 <-1 form 7|-7||||null`,
		`18+1 <-1 form 8|null|||ParseError|{}`,
		`19+1 ->1 form 3|||||{not JSON`,
		`20+1 ->1 form 4|||||"\r\n"`,
		`21+1 ->1 form 5|||||3`,
		`22+1 ->1 form 1||initialized|||`,
		`23+1 ->1 form 2|||window/showDocument||{"success": "${any}"}`,
		`24+1 ->1 form 2|||5||{-32603 no way}`,
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	if len(s.Setup) != 1 || s.Setup[0] != (Line{3, 1, "not -> a message"}) {
		t.Errorf("the setup is %v", s.Setup)
	}
	if len(s.Files) != 1 || s.Files[0].Name != "notes.txt" || s.End != 25 || s.Prose != "Prose, with -> an arrow." {
		t.Errorf("the prose is %q, the session ends at %d, the files are %v", s.Prose, s.End, s.Files)
	}
}
