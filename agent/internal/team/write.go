package team

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/tailscale/hujson"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// WriteWorkspace puts an instance into the file of a folder, in place of the one
// that it has of that URL, and returns the file's path. Whatever else is in the
// file stays as it is, comments included.
func WriteWorkspace(folder string, in store.Instance) (string, error) {
	name := filePath(folder)
	text, err := readWithin(folder, WorkspaceFile)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte(`{"instances": []}`), nil
	}
	if err != nil {
		return "", unreadable(name, err)
	}
	text, err = withInstance(&source{name: name, text: text}, in)
	if err != nil {
		return "", err
	}
	if err := writeWithin(folder, text); err != nil {
		return "", &protocol.Error{
			Code:    protocol.InvalidParams,
			Message: fmt.Sprintf("%s cannot be written: %v", name, err),
			Hint:    "Make the folder writable, or write the file by hand.",
			Details: &protocol.ErrorDetails{File: name},
			Err:     err,
		}
	}
	return name, nil
}

// withInstance returns the text of a file with an instance in it.
func withInstance(file *source, in store.Instance) ([]byte, error) {
	var content protocol.InstanceFile
	if err := decodeStrict(file, &content); err != nil {
		return nil, err
	}
	value, err := json.Marshal(ToShared(in))
	if err != nil {
		return nil, err
	}
	operation, at := "add", "/instances/-"
	for i, other := range content.Instances {
		if other.URL == in.ID {
			operation, at = "replace", fmt.Sprintf("/instances/%d", i)
		}
	}
	patch := fmt.Sprintf(`[{"op": %q, "path": %q, "value": %s}]`, operation, at, value)
	tree, err := hujson.Parse(file.text)
	if err == nil {
		err = tree.Patch([]byte(patch))
	}
	if err != nil {
		return nil, err
	}
	tree.Format()
	return tree.Pack(), nil
}

// writeWithin replaces the file of a folder as a whole: a reader sees the old one or
// the new one. No link leads out of the folder.
func writeWithin(folder string, text []byte) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(path.Dir(WorkspaceFile), 0o755); err != nil {
		return err
	}
	temporary := WorkspaceFile + ".new"
	if err := root.WriteFile(temporary, text, 0o644); err != nil {
		return err
	}
	if err := root.Rename(temporary, WorkspaceFile); err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return nil
}
