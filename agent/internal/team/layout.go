package team

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

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
