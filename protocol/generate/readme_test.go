package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// row is what a row of the table "It does not work" is about: its first cell, and
// all words in backquotes.
type row struct {
	first string
	words []string
}

var (
	backquoted = regexp.MustCompile("`([^`]+)`")
	quoted     = regexp.MustCompile(`"([^"]+)"`)
	causesOf   = regexp.MustCompile(`For (\w+): `)
)

// errorRows reads the table, by the name of the error. A row that begins with "…"
// goes on with the error above it.
func errorRows(t *testing.T) map[string][]row {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## It does not work\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found {
		t.Fatal(`README.md has no section "It does not work"`)
	}
	rows, name := map[string][]row{}, ""
	for line := range strings.Lines(section) {
		first, _, isRow := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !isRow || !strings.HasPrefix(line, "| ") || first == "error" {
			continue
		}
		r := row{first: first}
		for _, word := range backquoted.FindAllStringSubmatch(line, -1) {
			r.words = append(r.words, word[1])
		}
		switch {
		case len(r.words) == 0:
			t.Errorf("README.md: the row %q names no error", first)
			continue
		case !strings.HasPrefix(first, "…"):
			name = r.words[0]
		}
		rows[name] = append(rows[name], r)
	}
	return rows
}

// raised are the codes that the program itself speaks of. What only the protocol
// declares belongs to a later part of the product.
func raised(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	look := func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{"sessiontest", "providertest", "endurance", "acceptance", "codestream-demo"}, name):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == "protocol" {
					names[selector.Sel.Name] = true
				}
			}
			return true
		})
		return nil
	}
	for _, dir := range []string{"agent", "providers"} {
		if err := filepath.WalkDir(filepath.Join(root, dir), look); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func TestTheReadmeHasARowForEveryError(t *testing.T) {
	rows, raised := errorRows(t), raised(t)
	known := map[string]bool{}
	for _, code := range protocol.Codes() {
		name, isOwn := code.Name(), code > 0
		known[name] = true
		switch _, told := rows[name]; {
		case isOwn && raised[name] && !told:
			t.Errorf(`README.md, "It does not work": add a row for %s, with its cause and its cure`, name)
		case told && !raised[name]:
			t.Errorf(`README.md, "It does not work": nothing raises %s yet, so its row promises what is not there`, name)
		}
	}
	for name := range rows {
		if !known[name] {
			t.Errorf(`README.md, "It does not work": %s is no error of the protocol`, name)
		}
	}
}

func TestTheReadmeHasEveryCause(t *testing.T) {
	rows := errorRows(t)
	comment := strings.Join(strings.Fields(mustReadProtocol(t).fields["ErrorDetails"]["Cause"]), " ")
	places := causesOf.FindAllStringSubmatchIndex(comment, -1)
	if len(places) < 5 {
		t.Fatalf("the comment of ErrorDetails.Cause names the causes of %d errors only: %s", len(places), comment)
	}
	causes := map[string][]string{}
	for i, at := range places {
		end := len(comment)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		name := comment[at[2]:at[3]]
		for _, cause := range quoted.FindAllStringSubmatch(comment[at[1]:end], -1) {
			causes[name] = append(causes[name], cause[1])
			told := slices.ContainsFunc(rows[name], func(r row) bool { return slices.Contains(r.words, cause[1]) })
			if _, has := rows[name]; has && !told {
				t.Errorf("README.md, \"It does not work\": the row of %s lacks its cause `%s`", name, cause[1])
			}
		}
	}
	for name, of := range rows {
		for _, r := range of {
			if strings.HasPrefix(r.first, "…") && !slices.Contains(causes[name], r.words[0]) {
				t.Errorf("README.md, \"It does not work\": `%s` is no cause of %s in the comment of ErrorDetails.Cause", r.words[0], name)
			}
		}
	}
}
