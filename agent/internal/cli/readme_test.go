package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The README's section on the terminal names every command and every status.
func TestTheReadmeHasEveryCommand(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## At the terminal\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found {
		t.Fatal(`README.md has no section "At the terminal"`)
	}
	rows := map[string]bool{}
	for line := range strings.Lines(section) {
		if rest, ok := strings.CutPrefix(line, "| `codestream-agent "); ok {
			name := strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == '`' })[0]
			if rows[name] {
				t.Errorf("README.md, \"At the terminal\": %s has two rows", name)
			}
			rows[name] = true
		}
	}
	for _, command := range new(terminal).root().Commands() {
		if !rows[command.Name()] {
			t.Errorf("README.md, \"At the terminal\": add a row for %s", command.Name())
		}
		delete(rows, command.Name())
		if command.Example == "" && command.Name() != "version" {
			t.Errorf("the help of %s has no example", command.Name())
		}
	}
	_, json, _ := strings.Cut(section, "`--json` is for programs:")
	json, _, _ = strings.Cut(json, " have it")
	for _, command := range new(terminal).root().Commands() {
		if has, told := command.Flags().Lookup("json") != nil, strings.Contains(json, "`"+command.Name()+"`"); has != told {
			t.Errorf("README.md, \"At the terminal\": %s has --json: %v, told: %v", command.Name(), has, told)
		}
	}
	for name := range rows {
		t.Errorf("README.md, \"At the terminal\": there is no command %s", name)
	}
	for _, exit := range exits {
		if !strings.Contains(strings.Join(strings.Fields(section), " "), " "+strconv.Itoa(exit.status)+" w") {
			t.Errorf("README.md, \"At the terminal\": the status %d is not told", exit.status)
		}
	}
}
