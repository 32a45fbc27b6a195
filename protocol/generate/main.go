// Command generate writes what is generated from package protocol: the reference
// page, protocol/gen/REFERENCE.md, and the JSON Schemas of the files that name
// instances.
//
//	go run ./protocol/generate          writes the files that are out of date
//	go run ./protocol/generate -check   only says which they are
//
// It works in two steps. Reflection over protocol.Declarations gives the shapes
// and the source gives the comments (load.go, types.go, source.go, prose.go); the
// session scripts, as package protocol/script reads them, give the examples
// (examples.go, sample.go). Together they are a [Model], which knows no output
// language. A generator turns the model into one file (markdown.go, schema.go); another
// language is another generator in the list here.
//
// Start at [Model].
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// generators make one file each, by its path from the root of the module.
var generators = []struct {
	path   string
	render func(*Model) []byte
}{
	{"protocol/gen/REFERENCE.md", renderMarkdown},
	{"protocol/gen/gitlab.schema.json", renderInstancesSchema},
	{"protocol/gen/policy.schema.json", renderPolicySchema},
}

// errOutOfDate says that a file is not what would be generated.
var errOutOfDate = errors.New("generated files are out of date")

func main() {
	flags := flag.NewFlagSet("generate", flag.ExitOnError)
	check := flags.Bool("check", false, "write nothing; exit with 1 where a file is out of date")
	root := flags.String("root", ".", "the `directory` with the module's go.mod")
	_ = flags.Parse(os.Args[1:]) // it exits by itself
	if err := run(*root, *check, os.Stderr); err != nil {
		if !errors.Is(err, errOutOfDate) {
			fmt.Fprintln(os.Stderr, "generate:", err)
		}
		os.Exit(1)
	}
}

// run brings the files below root up to date, or only checks them, and says on w
// what it did or found.
func run(root string, check bool, w io.Writer) error {
	model, err := loadAll(root)
	if err != nil {
		return err
	}
	var result error
	for _, g := range generators {
		path := filepath.Join(root, filepath.FromSlash(g.path))
		want := g.render(model)
		have, err := os.ReadFile(path)
		switch {
		case err == nil && bytes.Equal(have, want):
			continue
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		case check:
			fmt.Fprintf(w, "%s is out of date: run make generate\n", g.path)
			result = errOutOfDate
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s written\n", g.path)
	}
	return result
}

// loadAll builds the model of the module at root, with examples.
func loadAll(root string) (*Model, error) {
	model, err := load(filepath.Join(root, "protocol"))
	if err != nil {
		return nil, err
	}
	scripts, err := readScripts(filepath.Join(root, "testdata", "sessions"))
	if err != nil {
		return nil, err
	}
	addExamples(model, scripts)
	return model, nil
}
