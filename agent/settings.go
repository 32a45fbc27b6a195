package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/agent/internal/team/registry"
	"github.com/teamcodestream/codestream-agent/agent/internal/wire"
	"github.com/teamcodestream/codestream-agent/protocol"
)

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
	case problem != nil:
		s.shared.UseMistaken()
	default:
		s.shared.Use(team.Place{})
	}
	s.registry.use(shared, problem, func(r *registry.Registry) context.CancelFunc { return a.follow(s, r) })
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

// ignoredNotification tells the user of settings that could not be taken, since no
// answer does.
func (a *Agent) ignoredNotification(method string, err error) {
	if method == protocol.DidChangeConfiguration.Method() {
		a.showMessage(protocol.MessageError, "CodeStream settings: "+advice(err))
	}
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

// unknownSettings lists the settings in raw that the agent does not know.
func unknownSettings(t reflect.Type, raw json.RawMessage, within string) (unknown []string) {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return nil
	}
	fields := wire.Fields(t)
	for name, value := range object {
		field, ok := fields[name]
		switch {
		case !ok:
			unknown = append(unknown, within+name)
		case field.Type.Kind() == reflect.Pointer:
			unknown = append(unknown, unknownSettings(field.Type.Elem(), value, within+name+".")...)
		}
	}
	slices.Sort(unknown)
	return unknown
}
