package team

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

// Write puts an instance into the file of a folder, in place of the one that it has
// of that URL. Whatever else is in the file stays as it is, comments included. A file
// that could not be read afterwards is not written.
func (w *Workspace) Write(folder string, in store.Instance) error {
	name := filePath(folder)
	text, err := readWithin(folder, WorkspaceFile)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte("{\n\t\"instances\": []\n}\n"), nil
	}
	if err != nil {
		return unreadable(name, err)
	}
	before, err := w.parse(folder, text)
	if err != nil {
		return err
	}
	index := len(before)
	for i, other := range before {
		if other.ID == in.ID {
			index = i
		}
	}
	if text, err = withInstance(newSource(name, text), index, in); err != nil {
		return err
	}
	if len(text) > maxFile {
		return unwritable(name, errTooLarge)
	}
	if _, err := w.parse(folder, text); err != nil {
		return err
	}
	if err := writeWithin(folder, text); err != nil {
		return unwritable(name, err)
	}
	return nil
}

// withInstance returns the text of a file that has been read already, with an
// instance at an index of its list.
func withInstance(file *source, index int, in store.Instance) ([]byte, error) {
	tree, err := hujson.Parse(file.text)
	if err != nil {
		return nil, file.syntax(err)
	}
	elements := &tree.Find("/instances").Value.(*hujson.Array).Elements
	layout, own := layoutOf(file.text, *elements)
	text, err := json.MarshalIndent(ToShared(in), layout.prefix, layout.indent)
	if err != nil {
		return nil, err
	}
	value, err := hujson.Parse(bytes.ReplaceAll(text, []byte("\n"), []byte(layout.newline)))
	if err != nil {
		return nil, err
	}
	if index < len(*elements) {
		(*elements)[index].Value = value.Value
	} else {
		err = tree.Patch(fmt.Appendf(nil, `[{"op": "add", "path": "/instances/-", "value": %s}]`, text))
		added := &(*elements)[index]
		added.Value = value.Value
		if own {
			added.BeforeExtra = hujson.Extra(layout.newline + layout.prefix)
		}
	}
	if !own {
		tree.Format()
	}
	return tree.Pack(), err
}

// layout is how a file is laid out.
type layout struct{ newline, prefix, indent string }

// layoutOf returns the layout of a file with a list of instances, each on lines of
// its own; own is false where there is none to go by.
func layoutOf(text []byte, elements []hujson.Value) (l layout, own bool) {
	l = layout{"\n", "", "\t"}
	if bytes.Contains(text, []byte("\r\n")) {
		l.newline = "\r\n"
	}
	if len(elements) == 0 {
		return l, false
	}
	before := string(elements[0].BeforeExtra)
	line := strings.LastIndexByte(before, '\n')
	prefix := before[line+1:]
	if line < 0 || strings.Trim(prefix, " \t") != "" {
		return l, false
	}
	l.prefix = prefix
	if !strings.Contains(prefix, "\t") {
		l.indent = strings.Repeat(" ", max(len(prefix)/2, 2)) // the list is in the list's own object
	}
	return l, true
}
