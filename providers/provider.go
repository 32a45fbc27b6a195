package providers

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// Provider is one kind of code host. Its methods may be called from many
// goroutines. Every error they return is a [protocol.Error], or ctx's.
type Provider interface {
	// Name is the provider's name on the wire, before the slash of its methods.
	Name() string

	// NormalizeURL returns the one spelling of a base URL that serves as the
	// instance's id, or InvalidParams. It asks nobody.
	NormalizeURL(raw string) (string, error)

	// Endpoints returns where the instance does OAuth.
	Endpoints(instance string) Endpoints

	// Probe asks, without credentials, whether the instance is what it should be.
	// It returns NotGitLab for something else, and the errors of TransportError
	// where nothing answers.
	Probe(ctx context.Context, client *http.Client, instance string) (Probe, error)

	// Host returns the instance's API. The client adds the credentials.
	Host(instance string, client *http.Client) Host

	// OtherToken names the kind of a token that is visibly not a personal access
	// token, such as "a deploy token"; "" for one that may be.
	OtherToken(token string) string

	// TokenKind returns what kind of token a user signs in with who is not always a
	// person: projects and groups have tokens, too.
	TokenKind(user protocol.User) protocol.TokenKind

	// Since returns the first version with the feature.
	Since(feature Feature) string

	// Lacks reports whether a version is older than the feature. One that is not
	// known, "", or makes no sense lacks nothing.
	Lacks(version string, feature Feature) bool

	// ResolveRemote returns the project that a git remote names on one of the
	// instances, or nil. It asks alias, if it is not nil, what the host of an ssh
	// remote means that is no instance's.
	ResolveRemote(remote string, among []Address, alias Alias) *protocol.RemoteProject
}

// Host is the API of one instance, as one account sees it. Whoever runs that may
// answer anything: what is told of a user, a version or a token is bounded and fit
// to be shown, and a user name has nothing that needs escaping anywhere.
type Host interface {
	// CurrentUser returns whose credentials the client has.
	CurrentUser(ctx context.Context) (protocol.User, error)

	// Version returns the host's own version.
	Version(ctx context.Context) (string, error)

	// PersonalToken describes the personal access token that the client sends. It
	// returns NotFound where the host does not tell.
	PersonalToken(ctx context.Context) (PersonalToken, error)

	// RevokePersonalToken revokes the personal access token that the client sends.
	// It returns NotFound where the host does not let a token do that.
	RevokePersonalToken(ctx context.Context) error

	// Call makes one call of the REST API, or one a page. It returns InvalidParams
	// for a path that leaves the API or a header that carries credentials.
	Call(ctx context.Context, call protocol.CallAPIParams) (protocol.CallAPIResult, error)
}

// Endpoints are the URLs of an OAuth server (RFC 6749 section 3, RFC 7009,
// RFC 8628), and of the API that its tokens are for. A token goes nowhere but below
// API.
type Endpoints struct {
	Authorize, Token, Revoke, Device, API string
	// PersonalTokenHeader is the header of a request to the API in which a personal
	// access token goes.
	PersonalTokenHeader string
}

// PersonalToken is what a host tells of a personal access token.
type PersonalToken struct {
	Scopes    []string
	ExpiresAt time.Time // zero: it does not
	Revoked   bool
}

// Probe is what an instance tells to strangers.
type Probe struct {
	// Warnings are sentences for the person who configures.
	Warnings []string
}

// Address is under which names git reaches an instance.
type Address struct {
	Instance string
	SSHHosts []string
}

// SSHHost is where a git remote leads over ssh. User and Port are empty where the
// remote does not say.
type SSHHost struct{ User, Host, Port string }

// Alias says which host a name in a git remote means to the user's ssh, and false
// where it does not know.
type Alias func(SSHHost) (SSHHost, bool)

// Registry is the list of providers of a build.
type Registry struct{ byName map[string]Provider }

// NewRegistry makes a registry. It panics where two providers have one name.
func NewRegistry(list ...Provider) *Registry {
	r := &Registry{byName: make(map[string]Provider, len(list))}
	for _, p := range list {
		if _, ok := r.byName[p.Name()]; ok {
			panic(fmt.Sprintf("providers: two of the name %q", p.Name()))
		}
		r.byName[p.Name()] = p
	}
	return r
}

// Provider returns the provider with that name. It panics where the build has
// none: names are constants of the program.
func (r *Registry) Provider(name string) Provider {
	p, ok := r.byName[name]
	if !ok {
		panic(fmt.Sprintf("providers: none of the name %q", name))
	}
	return p
}
