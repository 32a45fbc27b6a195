package protocol

import "encoding/json"

// LSP's requests and notifications, as far as the agent uses them.
var (
	// Initialize is the first message of a session. Options that make no sense are
	// InvalidParams. But a team's registry that cannot be used as it is set takes
	// nothing else from the user: they are warned, and it is one of the problems of
	// gitlabSM/status.
	Initialize = Request[InitializeParams, InitializeResult]{"initialize", ToAgent}

	// Initialized says that the editor has read the answer to initialize. From here on
	// changes are told: ask gitlabSM/status once, after it.
	Initialized = Notification[struct{}]{"initialized", ToAgent}

	// Shutdown ends the work of the agent; only exit may follow.
	Shutdown = Request[Null, Null]{"shutdown", ToAgent}

	// Exit ends the process: with status 0 after shutdown, else 1.
	Exit = Notification[Null]{"exit", ToAgent}

	// CancelRequest cancels a request that is under way. It is still answered:
	// with RequestCancelled, or with its result where that came first.
	CancelRequest = Notification[CancelParams]{"$/cancelRequest", BothWays}

	// SetTrace says whether the agent sends $/logTrace.
	SetTrace = Notification[SetTraceParams]{"$/setTrace", ToAgent}

	// LogTrace tells what the agent did. It never carries parameters or results.
	LogTrace = Notification[LogTraceParams]{"$/logTrace", ToEditor}

	// Progress reports on work that a progress token names.
	Progress = Notification[ProgressParams]{"$/progress", ToEditor}

	// WorkDoneProgressCreate asks the editor to show a progress token.
	WorkDoneProgressCreate = Request[WorkDoneProgressCreateParams, Null]{"window/workDoneProgress/create", ToEditor}

	// WorkDoneProgressCancel says that the user cancelled the work that a progress
	// token names. The request behind it is answered with RequestCancelled.
	WorkDoneProgressCancel = Notification[WorkDoneProgressCancelParams]{"window/workDoneProgress/cancel", ToAgent}

	// ShowDocument asks the editor to open a URL in the user's browser.
	ShowDocument = Request[ShowDocumentParams, ShowDocumentResult]{"window/showDocument", ToEditor}

	// ShowMessage shows a message to the user.
	ShowMessage = Notification[MessageParams]{"window/showMessage", ToEditor}

	// ShowMessageRequest asks the user a question: whether an instance may be used
	// that a file in the workspace names. The titles of its actions are "Use It" and
	// "Not Now", and the answer is one of the actions, or null where the user closed it.
	// Only "Use It" is a yes. $/cancelRequest withdraws a question that needs no answer
	// any more, since it was answered in another window, the workspace is trusted or the
	// file has changed; an answer that comes afterwards counts for nothing.
	ShowMessageRequest = Request[ShowMessageRequestParams, *MessageActionItem]{"window/showMessageRequest", ToEditor}

	// LogMessage writes to the editor's log.
	LogMessage = Notification[MessageParams]{"window/logMessage", ToEditor}

	// DidChangeConfiguration replaces the initialization options. Where one makes no
	// sense none of them counts: the user is shown what is wrong, and what was in force
	// stays. A team's registry that cannot be used is as with initialize.
	DidChangeConfiguration = Notification[DidChangeConfigurationParams]{"workspace/didChangeConfiguration", ToAgent}

	// DidChangeWorkspaceFolders tells which folders the editor has opened and closed.
	// The instances that their files name come and go with them.
	DidChangeWorkspaceFolders = Notification[DidChangeWorkspaceFoldersParams]{"workspace/didChangeWorkspaceFolders", ToAgent}
)

// InitializeParams introduces the editor.
type InitializeParams struct {
	// ProcessID is the editor's process; the agent ends when it does.
	ProcessID             *int                   `json:"processId"`
	ClientInfo            *Info                  `json:"clientInfo,omitempty"`
	InitializationOptions *InitializationOptions `json:"initializationOptions,omitempty"`
	Capabilities          ClientCapabilities     `json:"capabilities"`
	Trace                 TraceValue             `json:"trace,omitempty"`
	// WorkspaceFolders are what the editor has open.
	WorkspaceFolders []WorkspaceFolder `json:"workspaceFolders,omitempty"`
	// RootURI is the only folder, from an editor that names no WorkspaceFolders.
	RootURI *string `json:"rootUri,omitempty"`
}

// Info is the name and version of one side.
type Info struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// ClientCapabilities are what the editor can do.
type ClientCapabilities struct {
	Window WindowCapabilities `json:"window,omitzero"`
}

// WindowCapabilities are what the editor can show.
type WindowCapabilities struct {
	WorkDoneProgress bool                     `json:"workDoneProgress,omitempty"`
	ShowDocument     ShowDocumentCapabilities `json:"showDocument,omitzero"`
}

// ShowDocumentCapabilities tell whether the editor answers window/showDocument.
type ShowDocumentCapabilities struct {
	Support bool `json:"support"`
}

// InitializeResult introduces the agent.
type InitializeResult struct {
	Capabilities ServerCapabilities `json:"capabilities"`
	ServerInfo   Info               `json:"serverInfo"`
}

// ServerCapabilities are what the agent can do.
type ServerCapabilities struct {
	Workspace    WorkspaceCapabilities    `json:"workspace"`
	Experimental ExperimentalCapabilities `json:"experimental"`
}

// WorkspaceCapabilities ask for news of workspace folders.
type WorkspaceCapabilities struct {
	WorkspaceFolders WorkspaceFoldersCapabilities `json:"workspaceFolders"`
}

// WorkspaceFoldersCapabilities ask for news of workspace folders.
type WorkspaceFoldersCapabilities struct {
	Supported           bool `json:"supported"`
	ChangeNotifications bool `json:"changeNotifications"`
}

// ExperimentalCapabilities are the product's own.
type ExperimentalCapabilities struct {
	// GitLabSM lists the methods under gitlabSM/ that this build answers.
	GitLabSM []string `json:"gitlabSM"`
}

// WorkspaceFolder is a folder that the editor has open.
type WorkspaceFolder struct {
	URI  string `json:"uri"`
	Name string `json:"name"`
}

// CancelParams names a request.
type CancelParams struct {
	// ID is the id of the request, exactly as it was sent.
	ID json.RawMessage `json:"id"`
}

// TraceValue is how much the agent tells by $/logTrace.
type TraceValue string

// The values of [TraceValue].
const (
	TraceOff      TraceValue = "off"
	TraceMessages TraceValue = "messages" // one line a request
	TraceVerbose  TraceValue = "verbose"  // with the time that it took
)

// SetTraceParams sets the trace.
type SetTraceParams struct {
	Value TraceValue `json:"value"`
}

// LogTraceParams is a line of the trace.
type LogTraceParams struct {
	Message string `json:"message"`
	Verbose string `json:"verbose,omitempty"`
}

// ProgressParams is one report.
type ProgressParams struct {
	Token ProgressToken    `json:"token"`
	Value WorkDoneProgress `json:"value"`
}

// WorkDoneProgress begins, reports or ends progress.
type WorkDoneProgress struct {
	// Kind is "begin", "report" or "end".
	Kind string `json:"kind"`
	// Title is sent with "begin" only.
	Title string `json:"title,omitempty"`
	// Cancellable is true where the user may cancel.
	Cancellable bool   `json:"cancellable,omitempty"`
	Message     string `json:"message,omitempty"`
}

// WorkDoneProgressCreateParams names a new progress token.
type WorkDoneProgressCreateParams struct {
	Token ProgressToken `json:"token"`
}

// WorkDoneProgressCancelParams names a progress token.
type WorkDoneProgressCancelParams struct {
	Token ProgressToken `json:"token"`
}

// ShowDocumentParams says what to open.
type ShowDocumentParams struct {
	URI string `json:"uri"`
	// External is true for the user's browser.
	External  bool `json:"external,omitempty"`
	TakeFocus bool `json:"takeFocus,omitempty"`
}

// ShowDocumentResult says whether it was opened.
type ShowDocumentResult struct {
	Success bool `json:"success"`
}

// MessageType is how serious a message is.
type MessageType int

// The values of [MessageType].
const (
	MessageError   MessageType = 1
	MessageWarning MessageType = 2
	MessageInfo    MessageType = 3
	MessageLog     MessageType = 4
)

// MessageParams is a message to the user or to the log.
type MessageParams struct {
	Type    MessageType `json:"type"`
	Message string      `json:"message"`
}

// ShowMessageRequestParams is a question to the user.
type ShowMessageRequestParams struct {
	Type    MessageType         `json:"type"`
	Message string              `json:"message"`
	Actions []MessageActionItem `json:"actions,omitempty"`
}

// MessageActionItem is a button.
type MessageActionItem struct {
	Title string `json:"title"`
}

// DidChangeConfigurationParams carries the editor's settings.
type DidChangeConfigurationParams struct {
	Settings Settings `json:"settings"`
}

// Settings are the editor's, of which the agent reads its own section.
type Settings struct {
	CodeStream *InitializationOptions `json:"codestream,omitempty"`
}

// DidChangeWorkspaceFoldersParams carries the change.
type DidChangeWorkspaceFoldersParams struct {
	Event WorkspaceFoldersChangeEvent `json:"event"`
}

// WorkspaceFoldersChangeEvent lists the folders opened and closed.
type WorkspaceFoldersChangeEvent struct {
	Added   []WorkspaceFolder `json:"added"`
	Removed []WorkspaceFolder `json:"removed"`
}
