package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/agent/internal/team/registry"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// lifecycle is LSP's: nothing before initialize, nothing but exit after shutdown.
type lifecycle struct {
	mu          sync.Mutex // guards initialized and shutDown
	initialized bool
	shutDown    bool

	ended chan struct{} // closed when the session ends, for whatever reason
	once  sync.Once
}

// gate says whether a message is allowed now, and moves on with those that
// change that. It is called in the order of the stream.
func (l *lifecycle) gate(method string, isRequest bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case method == protocol.Exit.Method() && !isRequest:
		return nil
	case l.shutDown:
		return &protocol.Error{Code: protocol.InvalidRequest, Message: "the agent was shut down", Hint: "Only exit may follow. Start the agent again."}
	case method == protocol.Initialize.Method() && l.initialized:
		return &protocol.Error{Code: protocol.InvalidRequest, Message: "initialize was sent twice", Hint: "Use workspace/didChangeConfiguration to change settings."}
	case method == protocol.Initialize.Method():
		return nil
	case !l.initialized:
		return &protocol.Error{Code: protocol.ServerNotInitialized, Message: "the session begins with initialize", Hint: "Send initialize first, and wait for its answer."}
	case method == protocol.Shutdown.Method() && isRequest:
		l.shutDown = true
	}
	return nil
}

func (l *lifecycle) initialize() {
	l.mu.Lock()
	l.initialized = true
	l.mu.Unlock()
}

func (l *lifecycle) isInitialized() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.initialized
}

// end ends the session.
func (l *lifecycle) end() { l.once.Do(func() { close(l.ended) }) }

func (l *lifecycle) status() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shutDown {
		return 0
	}
	return 1
}

// initialize takes the options. It opens no connection, and of all files only the
// certificates and keys that they name: a mistake there is answered at once.
func (a *Agent) initialize(ctx context.Context, p protocol.InitializeParams) (protocol.InitializeResult, error) {
	var options protocol.InitializationOptions
	if p.InitializationOptions != nil {
		options = *p.InitializationOptions
	}
	if err := a.applyOptions(client{editorOf(ctx), p.Capabilities.Window}, options); err != nil {
		return protocol.InitializeResult{}, err
	}
	a.warnOfUnknownSettings(ctx, "initializationOptions")
	a.mu.Lock()
	a.folders, a.trace = foldersOf(p), p.Trace
	a.showFolders()
	a.mu.Unlock()
	a.logByTrace(p.Trace)
	a.life.initialize()
	if p.ProcessID != nil {
		a.watchProcess(*p.ProcessID)
	}
	return protocol.InitializeResult{
		Capabilities: protocol.ServerCapabilities{
			Workspace:    protocol.WorkspaceCapabilities{WorkspaceFolders: protocol.WorkspaceFoldersCapabilities{Supported: true, ChangeNotifications: true}},
			Experimental: protocol.ExperimentalCapabilities{GitLabSM: a.ownMethods()},
		},
		ServerInfo: protocol.Info{Name: "codestream-agent", Version: a.config.Version},
	}, nil
}

// foldersOf returns the folders that the editor has open. One that knows no more
// than one names it as the root.
func foldersOf(p protocol.InitializeParams) []protocol.WorkspaceFolder {
	if len(p.WorkspaceFolders) == 0 && p.RootURI != nil && *p.RootURI != "" {
		return []protocol.WorkspaceFolder{{URI: *p.RootURI, Name: path.Base(*p.RootURI)}}
	}
	return p.WorkspaceFolders
}

// received begins what could wait until the editor had its first answer.
func (a *Agent) received() {
	if a.config.Begun != nil && a.life.isInitialized() {
		a.begun.Do(a.config.Begun)
	}
}

// ownMethods lists the product's methods that are bound.
func (a *Agent) ownMethods() []string {
	var own []string
	for method := range a.dispatcher.table {
		if strings.HasPrefix(method, providerName+"/") {
			own = append(own, method)
		}
	}
	slices.Sort(own)
	return own
}

// initialized begins to watch the store, now that the editor may hear of it.
func (a *Agent) initialized(ctx context.Context, _ struct{}) {
	a.mu.Lock()
	s := a.session
	a.mu.Unlock()
	a.dispatcher.work.Go(s.prepare)
}

func (a *Agent) shutdown(context.Context, protocol.Null) (protocol.Null, error) { return nil, nil }

func (a *Agent) exit(context.Context, protocol.Null) { a.life.end() }

func (a *Agent) cancelRequest(_ context.Context, p protocol.CancelParams) { a.dispatcher.cancel(p.ID) }

func (a *Agent) setTrace(_ context.Context, p protocol.SetTraceParams) {
	a.mu.Lock()
	a.trace = p.Value
	a.mu.Unlock()
	a.logByTrace(p.Value)
}

// logTrace logs that a request was answered, and tells the editor, if it wants to
// know.
func (a *Agent) logTrace(id, method string, took time.Duration, err error) {
	a.logAnswer(id, method, took, err)
	a.mu.Lock()
	trace, e := a.trace, a.client.editor
	a.mu.Unlock()
	if trace != protocol.TraceMessages && trace != protocol.TraceVerbose {
		return
	}
	line := protocol.LogTraceParams{Message: method + ": answered"}
	if err != nil {
		line.Message = method + ": " + protocol.Code(wireError(err).Code).Name()
	}
	if trace == protocol.TraceVerbose {
		line.Verbose = fmt.Sprintf("in %v", took.Round(time.Microsecond))
	}
	if err := tell(context.Background(), e, protocol.LogTrace, line); err != nil {
		a.log.Debug("the trace was not sent", "error", err)
	}
}

func (a *Agent) didChangeConfiguration(ctx context.Context, p protocol.DidChangeConfigurationParams) {
	if p.Settings.CodeStream == nil {
		return // another extension's settings
	}
	a.mu.Lock()
	c := a.client
	a.mu.Unlock()
	if err := a.applyOptions(c, *p.Settings.CodeStream); err != nil {
		a.showMessage(protocol.MessageError, "CodeStream settings: "+advice(err))
	}
	a.warnOfUnknownSettings(ctx, "settings", "codestream")
}

// warnOfUnknownSettings names the settings that this version does not know: newer
// ones, or misspelt ones. path leads to them in the parameters.
func (a *Agent) warnOfUnknownSettings(ctx context.Context, path ...string) {
	raw, _ := ctx.Value(paramsKey{}).(json.RawMessage)
	for _, name := range path {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return
		}
		raw = object[name]
	}
	if unknown := unknownSettings(reflect.TypeFor[protocol.InitializationOptions](), raw, ""); len(unknown) > 0 {
		a.showMessage(protocol.MessageWarning, "CodeStream settings: this version does not know "+strings.Join(unknown, ", "))
	}
}

func (a *Agent) didChangeWorkspaceFolders(_ context.Context, p protocol.DidChangeWorkspaceFoldersParams) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.folders = slices.DeleteFunc(a.folders, func(f protocol.WorkspaceFolder) bool {
		return slices.ContainsFunc(p.Event.Removed, func(gone protocol.WorkspaceFolder) bool { return gone.URI == f.URI })
	})
	a.folders = append(a.folders, p.Event.Added...)
	a.showFolders()
}

// showFolders tells the session which folders are open. The caller holds a.mu.
func (a *Agent) showFolders() { a.session.open(localFolders(a.folders)) }

// applyOptions checks the options, and puts them in force as a whole or not at
// all; but for a registry that cannot be used, which is a problem that the user is
// warned of: everything else goes on without it.
func (a *Agent) applyOptions(c client, o protocol.InitializationOptions) error {
	switch o.Browser {
	case "", protocol.BrowserEditor, protocol.BrowserSystem, protocol.BrowserNone:
	default:
		return invalidParams("browser is %q; it can be editor, system or none", o.Browser)
	}
	switch o.Keyring {
	case "", protocol.KeyringSystem, protocol.KeyringOff:
	default:
		return invalidParams("keyring is %q; it can be system or off", o.Keyring)
	}
	if o.Network != nil {
		a.seenProxy(*o.Network)
		if _, err := a.transports.Get(*o.Network); err != nil {
			return err
		}
	}
	if o.DataDir != "" && !filepath.IsAbs(o.DataDir) {
		return invalidParams("dataDir is %q, which is not an absolute path", o.DataDir)
	}
	shared, problem := a.newRegistry(o)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.client, a.options = c, o
	switch {
	case a.session == nil:
		a.session = a.newSession(cmp.Or(o.DataDir, a.config.DataDir))
	case o.DataDir != "" && o.DataDir != a.session.store.Dir():
		a.moveTo(o.DataDir)
	}
	s := a.session
	s.workspace.SetTrusted(o.WorkspaceTrusted)
	switch {
	case shared != nil:
		s.shared.Use(placeOf(shared))
	case problem == nil: // else a mistake brings no other team's instances
		s.shared.Use(team.Place{})
	}
	s.sharing.use(shared, problem, func(r *registry.Registry) context.CancelFunc { return a.follow(s, r) })
	a.showFolders()
	a.session.store.UseKeyring(o.Keyring == protocol.KeyringSystem || o.Keyring == "" && !a.config.KeyringOff)
	return nil
}

// moveTo goes on with another data directory. The editor is told how it differs
// from the one before. The caller holds a.mu.
func (a *Agent) moveTo(dir string) {
	previous, next := a.session, a.newSession(dir)
	a.session = next
	a.dispatcher.work.Go(func() {
		next.news.goOnFrom(previous.news)
		next.prepare()
		previous.close(context.Background())
	})
}

// ignoredNotification tells the user of settings that could not be taken, since no
// answer does.
func (a *Agent) ignoredNotification(method string, err error) {
	if method == protocol.DidChangeConfiguration.Method() {
		a.showMessage(protocol.MessageError, "CodeStream settings: "+advice(err))
	}
}

func (a *Agent) showMessage(kind protocol.MessageType, text string) {
	a.mu.Lock()
	e := a.client.editor
	a.mu.Unlock()
	if err := tell(context.Background(), e, protocol.ShowMessage, protocol.MessageParams{Type: kind, Message: text}); err != nil {
		a.log.Warn("a message was not shown", "error", err)
	}
}
