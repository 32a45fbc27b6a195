package sessiontest

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

func TestMistakesInCommandsAreFoundWithTheirLine(t *testing.T) {
	tests := []struct{ name, script, want string }{
		{"setup", "Prose.\n-- setup --\n\n# comment\ngitlub\n-- session --\n-> exit\n", `line 5: the setup has no command "gitlub"`},
		{"gitlab", "Prose.\n-- setup --\ngitlab one color red\n-- session --\n-> exit\n", `line 3: a gitlab has no option "color"`},
		{"windows", "Prose.\n-- setup --\nwindows 10\n-- session --\n-> exit\n", "line 3: there can be 1 to 9 windows"},
		{"outside", "Prose.\n-- session --\n! browser sleeps\n", `line 3: a browser does not do "sleeps"`},
		{"file", "Prose.\n-- session --\n! file a {\"b\": }\n", "line 3: not JSON"},
		{"writes nothing", "Prose.\n-- session --\n! writes a.json\n", "line 3: the text is missing"},
		{"left over", "Prose.\n-- session --\n! kill 1 2\n", `line 3: unknown: "2"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parse("", []byte(test.script))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			var syntax *script.SyntaxError
			if !errors.As(err, &syntax) {
				t.Errorf("%T is no SyntaxError", err)
			}
		})
	}
}

func TestManualShowsAScript(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(source), "// # A script\n//\n")
	shown, _, _ := strings.Cut(after, "//\n// A script is")
	text := strings.NewReplacer("//\t", "", "//\n", "\n").Replace(shown)
	if parsed, err := parse("", []byte(text)); err != nil || len(parsed.Session) != 4 {
		t.Errorf("%v, in:\n%s", err, text)
	}
}
