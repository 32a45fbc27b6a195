package team

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// Policy is the machine's policy: a file of instances that an administrator puts
// into the system's place for it ([PolicyPath]). It is stronger than whatever a
// user, a team or a repository says; so it counts only where nobody but an
// administrator can write it.
type Policy struct {
	Path     string // "": there is none
	Provider providers.Provider
	Rules    []Rule

	once sync.Once
	file *document
}

// Name returns "policy".
func (*Policy) Name() protocol.Source { return protocol.SourcePolicy }

func (p *Policy) document() *document {
	p.once.Do(func() {
		p.file = newDocument(p.Path, format{provider: p.Provider, rules: append([]Rule{noPassword}, p.Rules...)}, p.read)
	})
	return p.file
}

// Load reads the file.
func (p *Policy) Load() {
	if p.Path != "" {
		file := p.document()
		file.take(file.look())
	}
}

// Paths returns the file.
func (p *Policy) Paths() []string {
	if p.Path == "" {
		return nil
	}
	return []string{p.Path}
}

// Find lists what the file said when it was last loaded.
func (p *Policy) Find(*store.Tx) (found Found, err error) {
	says := p.document().contents()
	found.add(says)
	for _, in := range says.instances {
		found.Instances = append(found.Instances, Instance{Instance: in, Source: protocol.SourcePolicy, Origin: p.Path})
	}
	return found, nil
}

func (p *Policy) read() ([]byte, error) {
	file, err := os.OpenFile(p.Path, os.O_RDONLY|nonBlock|noFollow, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil:
		return nil, unreadable(p.Path, err)
	}
	defer file.Close()
	if problem := administered(file); problem != "" {
		return nil, notAdministered(p.Path, problem)
	}
	text, err := readSmall(file)
	if err != nil {
		return nil, unreadable(p.Path, err)
	}
	return text, nil
}

// noPassword keeps a proxy's password out of a file that every user of the machine
// can read.
var noPassword = Rule{"network", func(in store.Instance) error {
	if u, err := url.Parse(in.Network.Proxy); err != nil || u.User == nil {
		return nil
	}
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: "network.proxy has a user name or password in it, and every user of the machine can read the file",
		Hint:    "Leave them out, and set that proxy in the editor's settings or in HTTPS_PROXY.",
	}
}}

func notAdministered(path, problem string) error {
	return &protocol.Error{
		Code:    protocol.Untrusted,
		Message: fmt.Sprintf("the machine's policy %s does not count: %s", path, problem),
		Hint:    "It has to belong to the administrator (root, or Administrators), together with its folder, and nobody else may be able to write to either.",
		Details: &protocol.ErrorDetails{Cause: protocol.CausePolicy, File: path, Text: problem},
	}
}
