package agent

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/sshconfig"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

const (
	// providerName is the provider that this protocol's methods are of.
	providerName = "gitlabSM"

	// endTimeout is how long the end of the session waits for a refresh whose
	// answer is not saved yet. The process ends within a second.
	endTimeout = 600 * time.Millisecond

	// flushTimeout is how long the editor may then take to read what it was told.
	flushTimeout = 200 * time.Millisecond
)

// Config is what an agent is made of.
type Config struct {
	Version   string
	Providers *providers.Registry
	// DataDir is where the store lives, unless initialize names another place.
	DataDir string
	// Log is where the agent's log goes, without secrets: they are hidden here.
	Log *slog.Logger
	// LogLevel is Log's level, which the editor's trace lowers for as long as it
	// lasts; nil where it stays as it is.
	LogLevel *slog.LevelVar
	// Keyring holds the keys that seal secrets on disk. Default: none, so that they
	// lie in files.
	Keyring store.Keyring
	// KeyringOff keeps new keys out of the keyring, unless initialize wants them
	// there.
	KeyringOff bool
	// PolicyFile is the machine's policy, in the system's place for it. Default: none.
	PolicyFile string
	// SSHConfig is the configuration of ssh in which aliases of hosts are looked up.
	// Default: ssh's own.
	SSHConfig string
	// NoOffers is for whom no question should come unasked: about an instance that a
	// file in the workspace names they are asked only when they sign in there.
	NoOffers bool
	// ClientProcessID is the editor's process where it was told on the command
	// line, as LSP's implementation considerations have it; 0 where it was not.
	// The session ends when that process does.
	ClientProcessID int
	// Begun is called once, when the first message after initialize has come: for what
	// the process can do without until then, so that it answers sooner. Default:
	// nothing.
	Begun func()
	// OpenBrowser opens a URL in the user's browser. Default: the system's.
	OpenBrowser func(ctx context.Context, url string) error
}

// Agent serves one editor.
type Agent struct {
	config     Config
	log        *slog.Logger
	logLevel   slog.Level   // of the command line
	known      secret.Known // that no log shows
	provider   providers.Provider
	transports providers.Transports
	ssh        sshconfig.Resolver
	dispatcher *dispatcher
	progress   progressTokens
	begun      sync.Once
	warned     sync.Map // the keys of accounts of whose end the user was told

	// life is where the session stands. The reading goroutine alone writes it.
	life lifecycle

	mu      sync.Mutex // guards what follows
	client  client
	options protocol.InitializationOptions
	session *session
	folders []protocol.WorkspaceFolder
	trace   protocol.TraceValue
}

// client is what initialize said of the editor.
type client struct {
	editor       editor
	capabilities protocol.WindowCapabilities
}

// New makes an agent. It touches nothing outside the process.
func New(c Config) *Agent {
	if c.OpenBrowser == nil {
		c.OpenBrowser = auth.OpenBrowser
	}
	a := &Agent{config: c, provider: c.Providers.Provider(providerName)}
	a.log = slog.New(secret.NewHandler(c.Log.Handler(), &a.known))
	if c.LogLevel != nil {
		a.logLevel = c.LogLevel.Level()
	}
	a.transports.UserAgent, a.transports.Log = "codestream-agent/"+c.Version, a.log
	a.seenProxy(protocol.Network{}) // those of the environment
	a.ssh.File, a.ssh.Log = c.SSHConfig, a.log
	a.life.ended = make(chan struct{})
	a.dispatcher = newDispatcher(a.guard(a.methods()), a.log)
	a.dispatcher.gate, a.dispatcher.trace, a.dispatcher.ignored = a.life.gate, a.logTrace, a.ignoredNotification
	a.dispatcher.received = a.received
	return a
}

// methods binds every method that this build answers.
func (a *Agent) methods() table {
	t := make(table)
	bindAtOnce(t, protocol.Initialize, a.initialize)
	bindNotification(t, protocol.Initialized, a.initialized)
	bindAtOnce(t, protocol.Shutdown, a.shutdown)
	bindNotification(t, protocol.Exit, a.exit)
	bindNotification(t, protocol.CancelRequest, a.cancelRequest)
	bindNotification(t, protocol.SetTrace, a.setTrace)
	bindNotification(t, protocol.WorkDoneProgressCancel, a.cancelProgress)
	bindNotification(t, protocol.DidChangeConfiguration, a.didChangeConfiguration)
	bindNotification(t, protocol.DidChangeWorkspaceFolders, a.didChangeWorkspaceFolders)

	bindOrdered(t, protocol.Configure, a.configure)
	bindOrdered(t, protocol.Unconfigure, a.unconfigure)
	bind(t, protocol.Status, a.status)
	bind(t, protocol.Authenticate, a.authenticate)
	bindIndependent(t, protocol.CompleteAuthentication, a.completeAuthentication)
	bindOrdered(t, protocol.Disconnect, a.disconnect)
	bind(t, protocol.Token, a.token)
	bindLimited(t, protocol.CallAPI, a.callAPI)
	bind(t, protocol.CurrentUser, a.currentUser)
	bind(t, protocol.ResolveRemote, a.resolveRemote)
	bind(t, protocol.Diagnose, a.diagnose)
	return t
}

// Serve answers the editor until it ends the session, its process ends, the
// stream ends, or ctx does. It returns the exit status that LSP gives the
// process: 0 after shutdown, else 1. If in is an io.Closer, Serve closes it.
func (a *Agent) Serve(ctx context.Context, in io.Reader, out io.Writer) int {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.logStart()
	box := newOutbox(out, func(err error) {
		a.log.Info("the editor can no longer be told anything", "error", err)
		a.life.end()
	})
	a.dispatcher.out = box
	conn := jsonrpc2.NewConn(ctx, newStream(in, box, a.log), a.dispatcher,
		jsonrpc2.SetLogger(quietLogger{a.log}), jsonrpc2.OnRecv(a.dispatcher.questions.hear))
	if a.config.ClientProcessID != 0 {
		a.watchProcess(a.config.ClientProcessID)
	}
	select {
	case <-conn.DisconnectNotify():
	case <-a.life.ended:
	}
	a.life.end()
	a.dispatcher.cancelAll() // and not ctx, without which nobody could be answered
	a.end()
	flush, stop := context.WithTimeout(context.Background(), flushTimeout)
	defer stop()
	if err := box.close(flush); err != nil {
		a.log.Info("the editor did not read to the end")
	}
	conn.Close()
	return a.life.status()
}

// end lets what is under way finish, for a moment.
func (a *Agent) end() {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	a.mu.Lock()
	s := a.session
	a.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() {
		if a.dispatcher.work.Close(ctx) != nil {
			a.log.Warn("requests were cut off at the end")
		}
	})
	if s != nil {
		both.Go(func() { s.close(ctx) })
	}
	both.Wait()
	a.transports.CloseIdle()
}

// quietLogger takes what jsonrpc2 has to say, which can hold the text of
// messages, down to a line without it.
type quietLogger struct{ log *slog.Logger }

func (q quietLogger) Printf(format string, _ ...any) { q.log.Debug("jsonrpc2", "format", format) }
