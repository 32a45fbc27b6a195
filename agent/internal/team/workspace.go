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
	open    folders
	read    folders // whose files were read last: those that are open, or were before
	trusted bool
}

// folders are those that are open at a time.
type folders struct {
	list []folder
	turn int // grows each time that others are open
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
	list := make([]folder, len(paths))
	for i, path := range paths {
		if known := slices.IndexFunc(w.open.list, func(f folder) bool { return f.path == path }); known >= 0 {
			list[i] = w.open.list[known]
			continue
		}
		list[i] = folder{path, newDocument(filePath(path), w.format(), func() ([]byte, error) {
			return readWithin(path, protocol.WorkspaceFile)
		})}
	}
	w.open = folders{list, w.open.turn + 1}
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

func (w *Workspace) nowOpen() folders {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open
}

func (w *Workspace) state() (read []folder, trusted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.read.list, w.trusted
}

// Load reads the files of all folders, side by side: one may hang.
func (w *Workspace) Load() {
	open := w.nowOpen()
	answered := make([]bool, len(open.list))
	var looking sync.WaitGroup
	for i, f := range open.list {
		looking.Go(func() { answered[i] = f.file.look() })
	}
	looking.Wait()
	for i, f := range open.list {
		f.file.take(answered[i])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if open.turn >= w.read.turn { // and nobody was faster with newer ones
		w.read = open
	}
}

// Paths lists the files of all folders, with the folders that they are in.
func (w *Workspace) Paths() (paths []string) {
	for _, f := range w.nowOpen().list {
		file := filepath.Join(f.path, filepath.FromSlash(protocol.WorkspaceFile))
		paths = append(paths, filepath.Dir(file), file)
	}
	return paths
}

// Find lists what the files of all folders said when they were last loaded: a folder
// that was opened since is not listed yet, and one that was closed still is. Where two
// that count alike disagree about an instance, neither counts.
func (w *Workspace) Find(tx *store.Tx) (found Found, err error) {
	folders, trusted := w.state()
	var approved, offered []Instance
	for _, folder := range folders {
		says := folder.file.contents()
		found.add(says)
		for _, in := range says.instances {
			offer := Instance{Instance: in, Source: protocol.SourceWorkspace, Origin: folder.file.name, Folder: folder.path}
			if err := offer.lookUpApproval(tx, trusted); err != nil {
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
			if err := offer.lookUpApproval(tx, trusted); err != nil {
				return err
			}
			if !offer.NeedsApproval {
				return disagreement(said, offer, fields)
			}
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
