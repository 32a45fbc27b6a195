package team

import (
	"fmt"
	"path/filepath"
	"slices"
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
	folders []folder
	trusted bool
}

// folder is an open folder with its file.
type folder struct {
	path string
	file *document
}

// Name returns "workspace".
func (*Workspace) Name() protocol.Source { return protocol.SourceWorkspace }

// SetFolders says which folders are open.
func (w *Workspace) SetFolders(paths []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	open := make([]folder, len(paths))
	for i, path := range paths {
		if known := slices.IndexFunc(w.folders, func(f folder) bool { return f.path == path }); known >= 0 {
			open[i] = w.folders[known]
			continue
		}
		open[i] = folder{path, newDocument(filePath(path), w.format(), func() ([]byte, error) {
			return readWithin(path, protocol.WorkspaceFile)
		})}
	}
	w.folders = open
}

func (w *Workspace) format() format {
	return format{w.Provider, append([]Rule{noNetwork}, w.Rules...), maxOffered}
}

// SetTrusted says that what is in the folders needs no approval: the user has told
// the editor so.
func (w *Workspace) SetTrusted(trusted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trusted = trusted
}

func (w *Workspace) state() (folders []folder, trusted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.folders, w.trusted
}

// Load reads the files of all folders, side by side: one may hang.
func (w *Workspace) Load() {
	folders, _ := w.state()
	answered := make([]bool, len(folders))
	var looking sync.WaitGroup
	for i, f := range folders {
		looking.Go(func() { answered[i] = f.file.look() })
	}
	looking.Wait()
	for i, f := range folders {
		f.file.take(answered[i])
	}
}

// Paths lists the files of all folders, with the folders that they are in.
func (w *Workspace) Paths() (paths []string) {
	folders, _ := w.state()
	for _, f := range folders {
		file := filepath.Join(f.path, filepath.FromSlash(protocol.WorkspaceFile))
		paths = append(paths, filepath.Dir(file), file)
	}
	return paths
}

// Find lists what the files of all folders said when they were last loaded. Where two
// that count alike disagree about an instance, neither counts.
func (w *Workspace) Find(tx *store.Tx) (found Found, err error) {
	folders, trusted := w.state()
	var approved, offered []Instance
	for _, folder := range folders {
		says := folder.file.contents()
		found.add(says)
		for _, in := range says.instances {
			offer := Instance{Instance: in, Source: protocol.SourceWorkspace, Origin: folder.file.name, Folder: folder.path}
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

// Disputed returns Conflict where the file of another folder says something else of an
// instance than one folder's file is about to say, and counts as much: then neither
// would count.
func (w *Workspace) Disputed(tx *store.Tx, folder string, in store.Instance) error {
	folders, trusted := w.state()
	said := Instance{Instance: in, Source: protocol.SourceWorkspace, Origin: filePath(folder), Folder: folder}
	for _, other := range folders {
		if other.path == folder {
			continue
		}
		for _, theirs := range other.file.contents().instances {
			offer := Instance{Instance: theirs, Source: protocol.SourceWorkspace, Origin: other.file.name, Folder: other.path}
			fields := differences(in, theirs)
			if theirs.ID != in.ID || len(fields) == 0 {
				continue
			}
			if needs, err := needsApproval(tx, offer, trusted); needs || err != nil {
				return err
			}
			return disagreement(said, offer, fields)
		}
	}
	return nil
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

// parse returns the instances that a folder's file of that text would have.
func (w *Workspace) parse(folder string, text []byte) ([]store.Instance, error) {
	f := w.format()
	return f.check(f.parse(filePath(folder), text))
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
