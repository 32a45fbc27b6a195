package team

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/work"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// Draft prepares to put an instance into the file of a folder, in place of the one
// that it has of that URL. Whatever else is in the file stays as it is, comments
// included. A file that could not be read afterwards is not written.
func (w *Workspace) Draft(folder string, in store.Instance) (*Draft, error) {
	name := filePath(folder)
	before, err := readInTime(folder)
	text := before
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte("{\n  \"instances\": [\n  ]\n}\n"), nil
	}
	if err != nil {
		return nil, unreadable(name, err)
	}
	list, err := w.parse(folder, text)
	if err != nil {
		return nil, err
	}
	index := len(list)
	for i, other := range list {
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
	return newDraft(folder, before, text)
}

// readInTime reads the file of a folder, for a person who waits.
func readInTime(folder string) ([]byte, error) {
	var text []byte
	err := work.Within(patience, func() (err error) {
		text, err = readWithin(folder, protocol.WorkspaceFile)
		return err
	}, nil)
	if err != nil { // late, it may still be read
		return nil, err
	}
	return text, nil
}

// withInstance returns the text of a file that has been read already, with an
// instance at an index of its list.
func withInstance(file *source, index int, in store.Instance) ([]byte, error) {
	tree, err := hujson.Parse(bytes.Clone(file.text)) // Format writes over what was parsed
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
