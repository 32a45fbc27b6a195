package registry

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

const (
	// connectTimeout bounds one attempt to connect, and requestTimeout one request.
	connectTimeout = 5 * time.Second
	requestTimeout = 5 * time.Second

	// maxDelay is the longest between attempts to connect; the delay doubles.
	maxDelay = 30 * time.Second

	bucketPrefix = "codestream-"
	defaultTeam  = "team"
)

// pace says how often it is looked whether something is still as it was.
type pace struct {
	retry  time.Duration // the registry is away, at first
	ping   time.Duration // the server is there: it is not when it misses two
	file   time.Duration // the credentials file is the same; another is read at the second look
	bucket time.Duration // the bucket is; up to half of it sooner, as with the next one
	absent time.Duration // there is no bucket: a maintainer may be about to make it
}

var usualPace = pace{
	retry: 250 * time.Millisecond, ping: 10 * time.Second, file: time.Second,
	bucket: 30 * time.Second, absent: 900 * time.Millisecond, // all are to have it within a second
}

// Settings are the editor's. While they are the same, so is the registry.
type Settings struct {
	Team protocol.Team
	// Network is what TLS is made of.
	Network protocol.Network
}

// Config says where a registry is, and who asks.
type Config struct {
	Settings
	// TLS says whose certificates are believed.
	TLS *tls.Config
	// Seen is called with each secret before it is used.
	Seen func(secret.Text)
	Log  *slog.Logger
}

// Listener hears from a registry.
type Listener struct {
	// Keep is called with the whole state of the bucket whenever it has changed, in
	// order. It returns an error where it could not be kept; it is then called again.
	Keep func(Snapshot) error
	// Changed is called when the state of the connection is another, or the reason why
	// there is none.
	Changed func(State)
}

// Snapshot is the whole state of a bucket.
type Snapshot struct {
	// Bucket identifies the bucket, by whatever URLs it is reached. One that was made
	// anew under the same name is another.
	Bucket string
	// Sequence is the newest revision that has gone into the state. A state of the same
	// bucket with a lower one is older.
	Sequence uint64
	// Entries are what there is, in the order of ids, also what cannot be used.
	Entries []Entry
}

// Registry is a team's registry.
type Registry struct {
	Config
	servers []string
	bucket  string
	pace    pace
	wake    chan struct{} // has room for one; there is something to connect for

	mu    sync.Mutex // guards what follows
	state State
	conn  *connection // that watches, nil while there is none
}

// State says how it stands with the connection.
type State struct {
	Connected bool
	// Since is when that began; the reason may have changed meanwhile.
	Since time.Time
	// Problem is why there is no connection, nil where that is not known (yet).
	Problem error
}

// New checks the settings. It asks nobody, and reads no file. It returns
// InvalidParams, and InsecureTransport for a registry over an open network.
func New(c Config) (*Registry, error) {
	r := &Registry{Config: c, pace: usualPace, state: State{Since: time.Now()}, wake: make(chan struct{}, 1)}
	team := cmp.Or(c.Team.Name, defaultTeam)
	if !isTeamName(team) {
		return nil, invalid("team.name is %q; it can have up to %d letters, digits, - and _", team, maxTeam)
	}
	r.bucket = bucketPrefix + team
	servers, err := parseServers(c.Team.Registry)
	if err != nil {
		return nil, invalid("team.registry %v", err)
	}
	for _, u := range servers {
		if u.Scheme == "nats" && !providers.IsLoopback(u.Hostname()) && !c.Team.AllowInsecure {
			return nil, insecure(u.Host)
		}
		r.servers = append(r.servers, u.Scheme+"://"+u.Host)
	}
	return r, nil
}

// maxTeam bounds a team's name in bytes.
const maxTeam = 64

// isTeamName reports whether the name of a bucket can have it.
func isTeamName(name string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return name != "" && len(name) <= maxTeam && strings.Trim(name, allowed) == ""
}

// parseServers reads the URLs of servers, between commas.
func parseServers(text string) (list []*url.URL, err error) {
	for server := range strings.SplitSeq(text, ",") {
		u, err := url.Parse(strings.TrimSpace(server))
		switch {
		case err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls":
			return nil, errors.New("is not a URL such as tls://registry.example.com:4222, or several between commas")
		case u.User != nil:
			return nil, errors.New("has a user or password in it: put them into team.credentialsFile")
		}
		list = append(list, u)
	}
	return list, nil
}

// address is what a server's URL means.
func address(u *url.URL) string {
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), cmp.Or(u.Port(), "4222"))
}

// Name is how the registry is called in what people read.
func (r *Registry) Name() string { return r.servers[0] }

// State returns how it stands with the connection.
func (r *Registry) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// Run connects and tells what the bucket has, until ctx ends. A registry that is
// away is waited for; so is a credentials file that cannot be used.
func (r *Registry) Run(ctx context.Context, l Listener) {
	delay := r.pace.retry
	for {
		began, file := time.Now(), watchFile(r.Team.CredentialsFile, stateOf(r.Team.CredentialsFile))
		err := r.session(ctx, l)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > maxDelay {
			delay = r.pace.retry // it went well for a while
		}
		switch {
		case errors.Is(err, errNewCredentials), errors.Is(err, errOtherBucket):
			continue
		case errors.Is(err, errDeaf): // what was seen serves until it is begun anew
			r.Log.Warn("the watch of the team's registry is begun anew", "registry", r.Name(), "error", err)
		default:
			r.set(l, false, r.unavailable(err))
		}
		if renewed := r.pause(ctx, jitter(delay), file); renewed {
			delay = r.pace.retry
		} else {
			delay = min(2*delay, maxDelay)
		}
	}
}

// pause waits before the next attempt to connect, up to a time. It ends early where
// somebody has reached the registry, and where the credentials file is renewed, which it
// reports.
func (r *Registry) pause(ctx context.Context, delay time.Duration, file fileWatch) (renewed bool) {
	over := time.NewTimer(delay)
	defer over.Stop()
	look := time.NewTicker(r.pace.file)
	defer look.Stop()
	for {
		select {
		case <-over.C:
			return false
		case <-r.wake:
			return false
		case <-look.C:
			if file.renewed() {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// watching returns the connection that watches, nil where there is none.
func (r *Registry) watching() *connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conn
}

func (r *Registry) setWatching(conn *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conn = conn
}

// set notes how it stands with the connection, and tells it where that is another
// state, or the same for another reason.
func (r *Registry) set(l Listener, connected bool, problem error) {
	r.mu.Lock()
	before := r.state
	r.state = State{Connected: connected, Since: before.Since, Problem: problem}
	if before.Connected != connected || (before.Problem == nil) != (problem == nil) {
		r.state.Since = time.Now()
	}
	now := r.state
	r.mu.Unlock()
	if before.Connected != connected || reason(before.Problem) != reason(problem) {
		r.Log.Info("the connection to the team's registry has changed", "registry", r.Name(), "connected", connected, "error", problem)
		l.Changed(now)
	}
}
