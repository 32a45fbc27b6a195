package team

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// WorkspaceFile is where a folder of the workspace has its instances.
const WorkspaceFile = ".codestream/gitlab.json"

// Workspace is the files of instances in the folders that the editor has open.
//
// A repository can be hostile. What its file says is only offered until the user
// has approved it, for this folder and with these settings; and since it is the
// weakest of the sources, it changes nothing that the user has from elsewhere. The
// file is read within its folder: no link in it leads out.
type Workspace struct {
	Provider providers.Provider
	Rules    []Rule

	mu      sync.Mutex // guards what follows
	folders []string
	trusted bool
}

// Name returns "workspace".
func (*Workspace) Name() protocol.Source { return protocol.SourceWorkspace }

// SetFolders says which folders are open.
func (w *Workspace) SetFolders(folders []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.folders = folders
}

// SetTrusted says that what is in the folders needs no approval: the user has told
// the editor so.
func (w *Workspace) SetTrusted(trusted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trusted = trusted
}

func (w *Workspace) state() (folders []string, trusted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.folders, w.trusted
}

// Find reads the files of all folders. Where two disagree about an instance,
// neither counts.
func (w *Workspace) Find(tx *store.Tx) (found Found, err error) {
	folders, trusted := w.state()
	var disputed []string
	for _, folder := range folders {
		instances, err := w.read(folder)
		if err != nil {
			found.Problems = append(found.Problems, err)
		}
		for _, in := range instances {
			offered := Instance{Instance: in, Source: protocol.SourceWorkspace, Origin: filePath(folder), Folder: folder}
			if offered.NeedsApproval, err = needsApproval(tx, offered, trusted); err != nil {
				return Found{}, err
			}
			if other := found.byID(in.ID); other == nil {
				found.Instances = append(found.Instances, offered)
			} else if differing := differences(other.Instance, in); len(differing) > 0 {
				disputed = append(disputed, in.ID)
				found.Problems = append(found.Problems, disagreement(*other, offered, differing))
			} else if !offered.NeedsApproval {
				*other = offered
			}
		}
	}
	found.remove(disputed)
	return found, nil
}

// read returns the instances of one folder's file, none where it has none.
func (w *Workspace) read(folder string) ([]store.Instance, error) {
	text, err := readWithin(folder, WorkspaceFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, unreadable(filePath(folder), err)
	}
	return readInstances(filePath(folder), text, w.Provider, append([]Rule{noNetwork}, w.Rules...))
}

// noNetwork keeps a repository from saying through whose proxy a token goes, or
// whose certificates are believed.
var noNetwork = Rule{"network", func(in store.Instance) error {
	if in.Network == (protocol.Network{}) {
		return nil
	}
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: "a file in a workspace may not say how to reach the network",
		Hint:    "Set it in the editor's settings, or have it in the machine's policy.",
	}
}}

// readWithin reads a small file below a folder. A link that leads out of the
// folder, and whatever is no file, is refused.
func readWithin(folder, name string) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := root.OpenFile(name, os.O_RDONLY|nonBlock, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readSmall(file)
}

// errNoFile and errTooLarge say why a file of instances is not read.
var (
	errNoFile   = errors.New("it is not a regular file")
	errTooLarge = fmt.Errorf("it is larger than %d KiB", maxFile>>10)
)

func readSmall(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if len(text) > maxFile {
		return nil, errTooLarge
	}
	return text, err
}

func filePath(folder string) string { return filepath.Join(folder, filepath.FromSlash(WorkspaceFile)) }

func unreadable(path string, err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: fmt.Sprintf("%s cannot be read: %v", path, err),
		Hint:    "It has to be a regular file below the folder, of at most 64 KiB, that you may read.",
		Details: &protocol.ErrorDetails{File: path, Text: err.Error()},
		Err:     err,
	}
}

func disagreement(a, b Instance, fields []string) error {
	return &protocol.Error{
		Code:     protocol.Conflict,
		Message:  fmt.Sprintf("%s and %s disagree about %s: %s", a.Origin, b.Origin, a.ID, list(fields)),
		Hint:     "Make the two files say the same, or close one of the folders. Until then neither counts.",
		Instance: a.ID,
		Details:  &protocol.ErrorDetails{File: b.Origin},
	}
}

// needsApproval reports whether the user has yet to say that an instance may be
// used.
func needsApproval(tx *store.Tx, in Instance, trusted bool) (bool, error) {
	if trusted {
		return false, nil
	}
	approved, err := tx.Approval(in.Folder, in.ID)
	return approved != digest(in), err
}

// Approve remembers that the user lets an instance of a folder be used, as it is
// now: other settings need another approval.
func Approve(tx *store.Tx, in Instance) error { return tx.PutApproval(in.Folder, in.ID, digest(in)) }

// Disapprove forgets that the user has let an instance of a folder be used.
func Disapprove(tx *store.Tx, in Instance) error { return tx.RemoveApproval(in.Folder, in.ID) }

// digest names the settings of an instance.
func digest(in Instance) string {
	settings, _ := json.Marshal(ToShared(in.Instance)) // strings and booleans always encode
	sum := sha256.Sum256(settings)
	return hex.EncodeToString(sum[:])
}
