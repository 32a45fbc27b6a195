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

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	// connectTimeout bounds one attempt to connect, and requestTimeout one request.
	connectTimeout = 5 * time.Second
	requestTimeout = 5 * time.Second

	// minDelay and maxDelay are between attempts to connect; the delay doubles.
	minDelay = 250 * time.Millisecond
	maxDelay = 30 * time.Second
	// bucketDelay is the longest while a server answers and has no bucket yet: members
	// may be waiting for a maintainer who is about to make it.
	bucketDelay = 5 * time.Second

	// lookInterval is how often it is seen whether the credentials file is another.
	lookInterval = 2 * time.Second

	bucketPrefix = "codestream-"
	defaultTeam  = "team"
)

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
	// Changed is called when the state of the connection has changed.
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

	writing sync.Mutex    // held while there is a write
	wake    chan struct{} // has room for one; there is something to connect for

	mu          sync.Mutex // guards what follows
	state       State
	conn        *connection // that watches, nil while there is none
	credentials Credentials
}

// State says how it stands with the connection.
type State struct {
	Connected bool
	// Since is when that began.
	Since time.Time
	// Problem is why there is no connection, nil where that is not known (yet).
	Problem error
}

// New checks the settings. It asks nobody, and reads no file. It returns
// InvalidParams, and InsecureTransport for a registry over an open network.
func New(c Config) (*Registry, error) {
	r := &Registry{Config: c, state: State{Since: time.Now()}, wake: make(chan struct{}, 1)}
	team := cmp.Or(c.Team.Name, defaultTeam)
	if !isTeamName(team) {
		return nil, invalid("team.name is %q; it can have up to %d letters, digits, - and _", team, maxTeam)
	}
	r.bucket = bucketPrefix + team
	for server := range strings.SplitSeq(c.Team.Registry, ",") {
		u, err := url.Parse(strings.TrimSpace(server))
		if err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			return nil, invalid("team.registry is not a URL such as tls://registry.example.com:4222, or several between commas")
		}
		if u.User != nil {
			return nil, invalid("team.registry has a user or password in it: put them into team.credentialsFile")
		}
		if u.Scheme == "nats" && !isLoopback(u.Hostname()) && !c.Team.AllowInsecure {
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

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
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
	for delay := minDelay; ; delay = min(2*delay, maxDelay) {
		began := time.Now()
		err := r.session(ctx, l)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errNewCredentials) {
			continue
		}
		r.set(l, State{Since: time.Now(), Problem: r.unavailable(err)})
		if time.Since(began) > maxDelay {
			delay = minDelay // it went well for a while
		}
		if errors.Is(err, jetstream.ErrBucketNotFound) {
			delay = min(delay, bucketDelay)
		}
		pause := time.NewTimer(jitter(delay))
		select {
		case <-pause.C:
		case <-r.wake:
			pause.Stop()
		case <-ctx.Done():
			pause.Stop()
			return
		}
	}
}

// session is one connection. It returns why it ended.
//
// The client's own reconnecting is not used: it would go on with a watch of which
// nobody knows whether the bucket is still the one that it began with. A new
// connection begins with the whole state.
func (r *Registry) session(ctx context.Context, l Listener) error {
	conn, err := r.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watch jetstream.KeyWatcher
	state := bucketState{entries: make(map[string]Entry)}
	err = conn.do(ctx, requestTimeout, func(opening context.Context) error {
		kv, err := conn.js.KeyValue(opening, r.bucket)
		if err != nil {
			return err
		}
		if state.bucket, err = identify(opening, kv); err != nil {
			return err
		}
		defer context.AfterFunc(opening, cancel)() // the watch lives on, but begins in time
		watch, err = kv.WatchAll(ctx)
		return err
	})
	if err != nil {
		return err
	}
	defer watch.Stop()
	r.connected(conn)
	defer r.connected(nil)
	return r.follow(ctx, l, state, watch.Updates(), conn.lost)
}

// errNewCredentials ends a session: what could not be opened may be now.
var errNewCredentials = errors.New("the credentials file has changed")

// follow keeps each state of the bucket until the connection is lost.
func (r *Registry) follow(ctx context.Context, l Listener, state bucketState, updates <-chan jetstream.KeyValueEntry, lost <-chan error) error {
	read := r.read()
	complete := false
	late := time.NewTimer(requestTimeout)
	defer late.Stop()
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	var retry <-chan time.Time
	for {
		select {
		case update, ok := <-updates:
			switch {
			case !ok:
				return nats.ErrConnectionClosed
			case update == nil: // all that there was has come
				complete = true
				late.Stop()
				r.set(l, State{Connected: true, Since: time.Now()})
			default:
				r.apply(&state, update)
			}
		case <-retry:
		case <-look.C:
			if stateOf(r.Team.CredentialsFile) == read {
				continue
			}
			return errNewCredentials
		case <-late.C: // servers without a leader take a watch, and say nothing
			return nats.ErrTimeout
		case err := <-lost:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
		if retry = nil; complete && l.Keep(state.snapshot()) != nil {
			retry = time.After(time.Second)
		}
	}
}

func (r *Registry) apply(state *bucketState, update jetstream.KeyValueEntry) {
	state.sequence = max(state.sequence, update.Revision())
	id, ok := idOf(update.Key())
	if !ok {
		r.Log.Warn("a key of the team's registry is passed over: it is none of an instance", "registry", r.Name(), "key", update.Key())
		return
	}
	if update.Operation() != jetstream.KeyValuePut {
		delete(state.entries, id)
		return
	}
	entry := decode(id, update.Value(), update.Revision(), r.key())
	r.Seen(entry.ClientSecret)
	state.entries[id] = entry
}

// key is the team's, as of the newest credentials.
func (r *Registry) key() teamKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.credentials.teamKey
}

// read is the state of the credentials file as it was read.
func (r *Registry) read() fileState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.credentials.read
}

func (r *Registry) connected(conn *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conn = conn
}

func (r *Registry) set(l Listener, s State) {
	r.mu.Lock()
	changed := s.Connected != r.state.Connected || s.Problem != nil && r.state.Problem == nil
	if changed {
		r.state = s
	}
	r.mu.Unlock()
	if changed {
		r.Log.Info("the connection to the team's registry has changed", "registry", r.Name(), "connected", s.Connected, "error", s.Problem)
		l.Changed(s)
	}
}
