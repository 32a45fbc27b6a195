package team

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tailscale/hujson"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// maxFile bounds a file of instances in bytes. One instance has some hundreds.
const maxFile = 64 << 10

// A Rule says what is wrong with one field of an instance, in an error of the
// protocol.
type Rule struct {
	Field string // on the wire
	Check func(store.Instance) error
}

// source is a file of instances, for errors that say where.
type source struct {
	name string // as errors call it
	text []byte
	tree hujson.Value
}

// newSource leaves out the byte order mark that some editors begin a file with.
func newSource(name string, text []byte) *source {
	return &source{name: name, text: bytes.TrimPrefix(text, []byte("\ufeff"))}
}

// format is how a file of instances is read.
type format struct {
	provider providers.Provider
	rules    []Rule
	most     int // instances in it; 0: as many as there are
}

// parsed is a file of instances that was read, before the rules are asked.
type parsed struct {
	text      []byte
	source    *source
	instances []store.Instance
	err       error
}

// parse reads a file of instances. What it finds depends on the text alone.
func (f format) parse(name string, text []byte) parsed {
	p := parsed{text: text, source: newSource(name, text)}
	p.instances, p.err = f.instances(p.source)
	return p
}

func (f format) instances(file *source) ([]store.Instance, error) {
	var content protocol.InstanceFile
	if err := decodeStrict(file, &content); err != nil {
		return nil, err
	}
	if n := len(content.Instances); f.most > 0 && n > f.most {
		return nil, file.of(f.most, "url", &protocol.Error{
			Message: fmt.Sprintf("it has %d instances, and may have %d", n, f.most),
			Hint:    "Take out those that nobody needs: people are asked about each.",
		})
	}
	list := make([]store.Instance, 0, len(content.Instances))
	for i, shared := range content.Instances {
		in, err := FromShared(shared, f.provider)
		if err != nil {
			return nil, file.of(i, "url", err)
		}
		for j, other := range list {
			if other.ID == in.ID {
				return nil, file.of(i, "url", fmt.Errorf("%s is there twice, as instances[%d] too", in.ID, j))
			}
		}
		list = append(list, in)
	}
	return list, nil
}

// check asks the rules of each instance, and the error of the first that breaks one
// says in which line and column. A rule may see more than the file, such as whether
// another is there that it names.
func (f format) check(p parsed) ([]store.Instance, error) {
	for i, in := range p.instances {
		for _, rule := range f.rules {
			if err := rule.Check(in); err != nil {
				return nil, p.source.of(i, rule.Field, err)
			}
		}
	}
	return p.instances, p.err
}

// DefaultScope is what an instance asks for that names no scopes.
const DefaultScope = "api"

// FromShared makes an instance of what a team shares. It returns InvalidParams
// where the URL is none. The rules are not asked.
func FromShared(shared protocol.SharedInstance, provider providers.Provider) (store.Instance, error) {
	id, err := provider.NormalizeURL(shared.URL)
	if err != nil {
		return store.Instance{}, err
	}
	in := store.Instance{
		ID: id, Name: strings.TrimSpace(shared.Name), ClientID: strings.TrimSpace(shared.ClientID),
		RedirectURI: shared.RedirectURI, Scopes: shared.Scopes, SSHHosts: shared.SSHHosts, AllowHTTP: shared.AllowHTTP,
	}
	if in.Name == "" {
		_, in.Name, _ = strings.Cut(id, "://")
	}
	if len(in.Scopes) == 0 {
		in.Scopes = []string{DefaultScope}
	}
	if shared.Network != nil {
		in.Network = *shared.Network
	}
	return in, nil
}

// ToShared returns what a team shares of an instance.
func ToShared(in store.Instance) protocol.SharedInstance {
	shared := protocol.SharedInstance{
		URL: in.ID, Name: in.Name, ClientID: in.ClientID,
		RedirectURI: in.RedirectURI, Scopes: in.Scopes, SSHHosts: in.SSHHosts, AllowHTTP: in.AllowHTTP,
	}
	if in.Network != (protocol.Network{}) {
		shared.Network = &in.Network
	}
	return shared
}

// quote shows a name that a stranger chose.
func quote(name string) string { return strconv.Quote(providers.Shorten(name, 60)) }

// shown returns a path as it may be shown. A repository names its folders: what a
// terminal would obey, or what turns a text round, is escaped, in quotes.
func shown(path string) string {
	if !strings.ContainsFunc(path, isHidden) && !strings.Contains(path, `"`) && utf8.ValidString(path) {
		return path
	}
	return strconv.Quote(path)
}

func isHidden(r rune) bool { return !unicode.IsPrint(r) }
