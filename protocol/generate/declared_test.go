package main

import (
	"go/ast"
	"path/filepath"
	"slices"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

func mustReadProtocol(t *testing.T) *source {
	t.Helper()
	src, err := readSource(filepath.Join(root, "protocol"))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestEveryMethodIsInDeclarations(t *testing.T) {
	src := mustReadProtocol(t)
	listed := map[string]bool{}
	for _, d := range protocol.Declarations() {
		if listed[d.Method] {
			t.Errorf("%s is in protocol.Declarations twice", d.Method)
		}
		listed[d.Method] = true
		if _, ok := src.methods[d.Method]; !ok {
			t.Errorf("%s is in protocol.Declarations, but no variable declares it", d.Method)
		}
	}
	for name, v := range src.methods {
		if !listed[name] {
			t.Errorf("%s (%s) is not in protocol.Declarations", v.goName, name)
		}
	}
}

func TestEveryCodeIsInCodes(t *testing.T) {
	src := mustReadProtocol(t)
	codes := protocol.Codes()
	for _, c := range src.consts["Code"] {
		n, ok := c.value.(int64)
		if !ok {
			t.Errorf("the value of %s is not a literal", c.name)
			continue
		}
		code := protocol.Code(n)
		if !slices.Contains(codes, code) {
			t.Errorf("%s is not in protocol.Codes", c.name)
		}
		if code.Name() != c.name {
			t.Errorf("%s is called %s on the wire", c.name, code.Name())
		}
	}
	if len(codes) != len(src.consts["Code"]) {
		t.Errorf("protocol.Codes lists %d codes; %d are declared", len(codes), len(src.consts["Code"]))
	}
}

// namesSayAll are fields and constants that need no comment: their names, with
// the comments of their types, say it all.
var namesSayAll = []string{
	"ErrorData.Name", "ErrorData.Message", "ErrorData.RetryAfterSeconds", "ErrorData.Details",
	"ConfigureResult.Instance", "UnconfigureParams.Instance", "StatusParams.Instance", "StatusResult.Instances",
	"AuthenticateResult.Account", "TokenResult.AccessToken", "TokenResult.Scopes", "CallAPIResult.Status",
	"RemoteProject.Instance", "DiagnoseParams.Instance", "DiagnoseResult.Checks",
	"DidStartAuthenticationParams.Instance", "DidStartAuthenticationParams.Method", "DidStartAuthenticationParams.UserCode",
	"DidChangeInstancesParams.Instances", "DidChangeAuthenticationParams.Instance", "DidChangeAuthenticationParams.State",
	"InitializeParams.ClientInfo", "InitializeParams.InitializationOptions", "InitializeParams.Capabilities",
	"InitializeParams.Trace", "Info.Name", "Info.Version",
	"ClientCapabilities.Window", "WindowCapabilities.WorkDoneProgress", "WindowCapabilities.ShowDocument",
	"ShowDocumentCapabilities.Support", "InitializeResult.Capabilities", "InitializeResult.ServerInfo",
	"ServerCapabilities.Workspace", "ServerCapabilities.Experimental", "WorkspaceCapabilities.WorkspaceFolders",
	"WorkspaceFoldersCapabilities.Supported", "WorkspaceFoldersCapabilities.ChangeNotifications",
	"WorkspaceFolder.URI", "WorkspaceFolder.Name", "SetTraceParams.Value", "LogTraceParams.Message", "LogTraceParams.Verbose",
	"ProgressParams.Token", "ProgressParams.Value", "WorkDoneProgress.Message",
	"WorkDoneProgressCreateParams.Token", "WorkDoneProgressCancelParams.Token",
	"ShowDocumentParams.URI", "ShowDocumentParams.TakeFocus", "ShowDocumentResult.Success",
	"MessageParams.Type", "MessageParams.Message", "ShowMessageRequestParams.Type", "ShowMessageRequestParams.Message",
	"ShowMessageRequestParams.Actions", "MessageActionItem.Title",
	"DidChangeConfigurationParams.Settings", "Settings.CodeStream", "DidChangeWorkspaceFoldersParams.Event",
	"WorkspaceFoldersChangeEvent.Added", "WorkspaceFoldersChangeEvent.Removed",
	"Team.Name", "Instance.Name", "Instance.Scopes", "Instance.SSHHosts", "Instance.Source",
	"Instance.Auth", "Auth.Accounts", "Account.User", "Account.Method",
	"User.ID", "User.Username", "User.Name", "User.AvatarURL", "User.WebURL",
	"Check.Name", "Check.Status", "Check.Detail",
	"MessageType.MessageError", "MessageType.MessageWarning", "MessageType.MessageInfo", "MessageType.MessageLog",
	"TraceValue.TraceOff",
}

func TestEverythingExportedIsCommented(t *testing.T) {
	src, model := mustReadProtocol(t), mustLoad(t)
	for name, v := range src.methods {
		if v.comment == "" {
			t.Errorf("%s (%s) has no comment", v.goName, name)
		}
	}
	for name, comment := range src.types {
		if ast.IsExported(name) && comment == "" {
			t.Errorf("type %s has no comment", name)
		}
	}
	for _, e := range model.Errors {
		if e.Doc == "" {
			t.Errorf("%s has no comment", e.Name)
		}
	}
	silent := map[string]bool{}
	for _, s := range model.Types {
		for _, f := range s.Fields {
			silent[s.Name+"."+f.GoName] = f.Doc == ""
		}
	}
	for _, e := range model.Enums {
		for _, v := range e.Values {
			silent[e.Name+"."+v.GoName] = v.Doc == ""
		}
	}
	for name, without := range silent {
		if without && !slices.Contains(namesSayAll, name) {
			t.Errorf("%s has no comment; where its name says it all, add it to namesSayAll", name)
		}
	}
	for _, name := range namesSayAll {
		if _, ok := silent[name]; !ok {
			t.Errorf("namesSayAll: %s is gone", name)
		}
	}
}
