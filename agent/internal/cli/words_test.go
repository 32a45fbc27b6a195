package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// editorsWords are what only the author of an extension can do something with.
var editorsWords = regexp.MustCompile(`gitlabSM/|network\.[a-z]+[A-Z]|network\.proxy|[tT]he parameter (account|instance)|the method "|callbackUrl|clientSecret|redirectUri|sshHosts|minValidity|timeoutSeconds|allPages|allowHttp`)

// Every sentence of the agent's can be read at a terminal too.
func TestNoSentenceIsInTheWordsOfTheEditor(t *testing.T) {
	found := 0
	for _, root := range []string{"agent", "providers"} {
		err := filepath.WalkDir(filepath.Join("..", "..", "..", root), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "cli" || strings.HasSuffix(entry.Name(), "test")):
				return fs.SkipDir
			case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			for _, sentence := range sentencesIn(t, path) {
				found++
				if said := hintForTerminal(sentence); editorsWords.MatchString(said) {
					t.Errorf("%s: a person at a terminal reads: %s", path, said)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 200 {
		t.Errorf("only %d sentences were found", found)
	}
}

// sentencesIn returns the strings of a file that have a space in them.
func sentencesIn(t *testing.T, path string) (sentences []string) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, " ") {
			sentences = append(sentences, text)
		}
		return true
	})
	return sentences
}
