package team

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// maxOffered is how many instances the file of a folder can have: a person is asked
// about each.
const maxOffered = 20

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

// Find reads the files of all folders. Where two that count alike disagree about an
// instance, neither counts.
func (w *Workspace) Find(tx *store.Tx) (found Found, err error) {
	folders, trusted := w.state()
	var approved, offered []Instance
	for _, folder := range folders {
		instances, err := w.read(folder)
		if err != nil {
			found.Problems = append(found.Problems, err)
		}
		for _, in := range instances {
			offer := Instance{Instance: in, Source: protocol.SourceWorkspace, Origin: filePath(folder), Folder: folder}
			if offer.NeedsApproval, err = needsApproval(tx, offer, trusted); err != nil {
				return Found{}, err
			}
			if offer.NeedsApproval {
				offered = append(offered, offer)
			} else {
				approved = append(approved, offer)
			}
		}
	}
	// What is approved comes first: a folder that is opened beside it takes nothing
	// from it.
	found.settle(approved)
	found.settle(offered)
	return found, nil
}

// settle adds one instance for all offers that name it.
func (f *Found) settle(offers []Instance) {
	var disputed []string
	for _, offer := range offers {
		first := f.byID(offer.ID)
		if first == nil {
			if f.dispute(offer.ID) == nil {
				f.Instances = append(f.Instances, offer)
			}
			continue
		}
		fields := differences(first.Instance, offer.Instance)
		switch {
		case len(fields) == 0:
		case first.NeedsApproval == offer.NeedsApproval:
			disputed = append(disputed, offer.ID)
			f.Problems = append(f.Problems, disagreement(*first, offer, fields))
		default:
			first.Conflicts = append(first.Conflicts, conflict(offer, fields))
		}
	}
	f.remove(disputed)
}

// read returns the instances of one folder's file, none where it has none.
func (w *Workspace) read(folder string) ([]store.Instance, error) {
	text, err := readWithin(folder, protocol.WorkspaceFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, unreadable(filePath(folder), err)
	}
	return w.parse(folder, text)
}

func (w *Workspace) parse(folder string, text []byte) ([]store.Instance, error) {
	list, err := readInstances(filePath(folder), text, w.Provider, append([]Rule{noNetwork}, w.Rules...))
	if len(list) > maxOffered {
		return nil, unreadable(filePath(folder), fmt.Errorf("it has %d instances, and may have %d", len(list), maxOffered))
	}
	return list, err
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

func disagreement(a, b Instance, fields []string) error {
	return &protocol.Error{
		Code:     protocol.Conflict,
		Message:  fmt.Sprintf("%s and %s disagree about %s: %s", a.Origin, b.Origin, a.ID, strings.Join(fields, ", ")),
		Hint:     "Make the two files say the same, or close one of the folders. Until then neither counts.",
		Instance: a.ID,
		Details:  &protocol.ErrorDetails{Cause: protocol.CauseFolders, Files: []string{a.Origin, b.Origin}},
	}
}
