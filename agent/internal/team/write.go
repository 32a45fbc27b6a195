package team

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// Draft is the file of a folder as it is to be. It lies beside the one that it takes the
// place of.
type Draft struct {
	Folder string

	before    []byte // what is in the file, nil where there is none
	temporary string // "" once it was kept or discarded
}

// Draft writes the file of a folder with an instance, in place of the one that it has of
// that URL, for [Draft.Keep] to put in its place. Whatever else is in the file stays as
// it is, comments included. A file that could not be read afterwards is not written.
// Whoever makes a draft discards it in the end.
func (w *Workspace) Draft(folder string, in store.Instance) (*Draft, error) {
	name := shownFile(folder)
	before, err := inTime(patience, func() ([]byte, error) { return readWithin(folder, protocol.WorkspaceFile) })
	text := before
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte("{\n  \"instances\": [\n  ]\n}\n"), nil
	}
	if err != nil {
		return nil, unreadable(name, err)
	}
	there, err := w.parse(folder, text)
	if err != nil {
		return nil, err
	}
	index := len(there)
	for i, other := range there {
		if other.ID == in.ID {
			index = i
		}
	}
	if text, err = withInstance(newSource(name, text), index, in); err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, unwritable(name, errTooLarge)
	}
	if _, err := w.parse(folder, text); err != nil {
		return nil, err
	}
	temporary, err := inTime(writePatience, func() (string, error) { return writeBeside(folder, text) })
	if err != nil {
		return nil, unwritable(name, err)
	}
	return &Draft{folder, before, temporary}, nil
}

// Keep puts the file in its place as a whole: a reader sees the old one or the new one.
// It does not where somebody has changed that file since. It waits a second at most. To
// keep a draft again does nothing.
func (d *Draft) Keep() error {
	if d.temporary == "" {
		return nil
	}
	_, err := inTime(patience, func() (struct{}, error) { return struct{}{}, replaceWithin(d.Folder, d.temporary, d.before) })
	if err != nil {
		return unwritable(shownFile(d.Folder), err)
	}
	d.temporary = ""
	return nil
}

// Discard removes what was written, unless it was kept.
func (d *Draft) Discard() {
	if d.temporary != "" {
		_, _ = inTime(patience, func() (struct{}, error) { return struct{}{}, removeBeside(d.Folder, d.temporary) })
		d.temporary = ""
	}
}

// withInstance returns the text of a file that has been read already, with an
// instance at an index of its list.
func withInstance(file *source, index int, in store.Instance) ([]byte, error) {
	tree, err := hujson.Parse(file.text)
	if err != nil {
		return nil, file.syntax(err)
	}
	array := tree.Find("/instances").Value.(*hujson.Array)
	layout, own := layoutOf(file.text, array)
	text, err := json.MarshalIndent(ToShared(in), layout.prefix, layout.indent)
	if err != nil {
		return nil, err
	}
	value, err := hujson.Parse(bytes.ReplaceAll(text, []byte("\n"), []byte(layout.newline)))
	if err != nil {
		return nil, err
	}
	if index < len(array.Elements) {
		array.Elements[index].Value = value.Value
	} else {
		add(array, value.Value, layout)
	}
	if !own {
		tree.Format()
	}
	return tree.Pack(), nil
}

// add puts a value at the end of a list. Comments after what was last there stay
// with it, and so does a comma at the end.
func add(array *hujson.Array, value hujson.ValueTrimmed, l layout) {
	added := hujson.Value{Value: value}
	comments := bytes.TrimRight(array.AfterExtra, " \t\r\n")
	array.AfterExtra = array.AfterExtra[len(comments):]
	added.BeforeExtra = append(bytes.Clone(comments), l.newline+l.prefix...)
	if n := len(array.Elements); n > 0 && array.Elements[n-1].AfterExtra != nil {
		added.AfterExtra = hujson.Extra{}
	}
	array.Elements = append(array.Elements, added)
}

// layout is how a file is laid out.
type layout struct{ newline, prefix, indent string }

// layoutOf returns the layout of a file with a list of instances that are each on
// lines of their own; own is false for another list.
func layoutOf(text []byte, array *hujson.Array) (l layout, own bool) {
	l = layout{"\n", "", "\t"}
	if bytes.Contains(text, []byte("\r\n")) {
		l.newline = "\r\n"
	}
	before, depth := array.AfterExtra, 1 // of the bracket that ends the list
	if len(array.Elements) > 0 {
		before, depth = array.Elements[0].BeforeExtra, 2
	}
	line := bytes.LastIndexByte(before, '\n')
	prefix := string(before[line+1:])
	if line < 0 || strings.Trim(prefix, " \t") != "" {
		return l, false
	}
	if !strings.Contains(prefix, "\t") {
		l.indent = strings.Repeat(" ", max(len(prefix)/depth, 2))
	}
	if l.prefix = prefix; depth == 1 {
		l.prefix += l.indent
	}
	return l, true
}
