package agent

import (
	"context"
	"slices"
	"strings"
	"sync"

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
