package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/agent/internal/wire"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// handler is a method bound to the function that answers it.
type handler struct {
	// prepare decodes the parameters on the reading goroutine, so that a request
	// that makes no sense is refused before anything waits for it.
	prepare func(params json.RawMessage) (run func(context.Context) (any, error), err error)
	order   order

	// isRequest is whether the method is one. A notification runs on the reading
	// goroutine, where a request that waits would stop the agent from hearing even
	// that its editor is gone.
	isRequest bool
}

// order is when a request runs.
type order int

const (
	sideBySide  order = iota // beside others, after those in order that came before it
	limited                  // likewise, but only so many at a time: its answer can be large
	inOrder                  // as sideBySide, and later ones wait for it: it changes what they read
	independent              // beside all others
	atOnce                   // before the next message is read: it must not wait
)

// counts reports whether requests of that order count as load. The others end by
// themselves, and let an editor that has asked too much go on or end.
func (o order) counts() bool { return o != independent && o != atOnce }

// table is what this build answers, by the name of the method.
type table map[string]handler

// bind binds a request to its handler. It panics on a second binding.
func bind[P, R any](t table, method protocol.Request[P, R], answer func(context.Context, P) (R, error)) {
	t.add(method.Method(), handler{isRequest: true, prepare: func(raw json.RawMessage) (func(context.Context) (any, error), error) {
		params, err := decodeParams[P](raw)
		return func(ctx context.Context) (any, error) { return answer(withParams(ctx, raw), params) }, err
	}})
}

// bindOrdered binds a request that later ones have to wait for.
func bindOrdered[P, R any](t table, method protocol.Request[P, R], answer func(context.Context, P) (R, error)) {
	bind(t, method, answer)
	t.setOrder(method.Method(), inOrder)
}

// bindLimited binds a request whose answer can be large.
func bindLimited[P, R any](t table, method protocol.Request[P, R], answer func(context.Context, P) (R, error)) {
	bind(t, method, answer)
	t.setOrder(method.Method(), limited)
}

// bindIndependent binds a request that waits for no other.
func bindIndependent[P, R any](t table, method protocol.Request[P, R], answer func(context.Context, P) (R, error)) {
	bind(t, method, answer)
	t.setOrder(method.Method(), independent)
}

// bindAtOnce binds a request that is answered before the next message is read.
func bindAtOnce[P, R any](t table, method protocol.Request[P, R], answer func(context.Context, P) (R, error)) {
	bind(t, method, answer)
	t.setOrder(method.Method(), atOnce)
}

// bindNotification binds a notification. It runs on the reading goroutine and
// must not wait.
func bindNotification[P any](t table, method protocol.Notification[P], hear func(context.Context, P)) {
	t.add(method.Method(), handler{prepare: func(raw json.RawMessage) (func(context.Context) (any, error), error) {
		params, err := decodeParams[P](raw)
		return func(ctx context.Context) (any, error) {
			hear(withParams(ctx, raw), params)
			return nil, nil
		}, err
	}})
}

func (t table) setOrder(method string, o order) {
	h := t[method]
	h.order = o
	t[method] = h
}

func (t table) add(method string, h handler) {
	if _, ok := t[method]; ok {
		panic("agent: bound twice: " + method)
	}
	t[method] = h
}

type paramsKey struct{}

// withParams hands on the parameters as they came, for those who look for what
// their type does not have.
func withParams(ctx context.Context, raw json.RawMessage) context.Context {
	return context.WithValue(ctx, paramsKey{}, raw)
}

// decodeParams decodes parameters into their type. A field that the product's
// own methods do not have is refused, so that a misspelt one is not taken for
// its default; LSP's have more fields than the agent reads.
func decodeParams[P any](raw json.RawMessage) (P, error) {
	var params P
	if reflect.TypeFor[P]() == reflect.TypeFor[protocol.Null]() {
		return params, nil // some editors send an empty list
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		raw = json.RawMessage("{}")
	}
	if err := json.Unmarshal(raw, &params); err != nil {
		return params, invalidParams("%s", describeDecodeError(err))
	}
	return params, checkFields(reflect.TypeFor[P](), raw, "")
}

func describeDecodeError(err error) string {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return err.Error()
	}
	if wrong.Field == "" {
		return fmt.Sprintf("the parameters are a JSON %s, not an object with named fields", wrong.Value)
	}
	return fmt.Sprintf("%s is a JSON %s, which is not its type", wrong.Field, wrong.Value)
}

// checkFields compares an object's fields with those of its type, by the exact
// name: encoding/json takes others in any case. It looks into fields that are
// objects of the product's own types.
func checkFields(t reflect.Type, raw json.RawMessage, within string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var object map[string]json.RawMessage
	if t.Kind() != reflect.Struct || json.Unmarshal(raw, &object) != nil || object == nil {
		return nil
	}
	fields := wire.Fields(t)
	for name, value := range object {
		field, ok := fields[name]
		if !ok && isOwnType(t) {
			return unknownField(within+name, fields)
		}
		if ok && isOwnType(field.Type) {
			if err := checkFields(field.Type, value, within+name+"."); err != nil {
				return err
			}
		}
	}
	for name, field := range fields {
		if _, ok := object[name]; !ok && wire.IsRequired(field) && isOwnType(t) {
			return invalidParams("%s is missing", within+name)
		}
	}
	return nil
}

// lspTypes are those whose fields are LSP's to say.
var lspTypes = map[reflect.Type]bool{
	reflect.TypeFor[protocol.InitializeParams]():                true,
	reflect.TypeFor[protocol.ClientCapabilities]():              true,
	reflect.TypeFor[protocol.Info]():                            true,
	reflect.TypeFor[protocol.Settings]():                        true,
	reflect.TypeFor[protocol.DidChangeConfigurationParams]():    true,
	reflect.TypeFor[protocol.DidChangeWorkspaceFoldersParams](): true,
	reflect.TypeFor[protocol.CancelParams]():                    true,
	reflect.TypeFor[protocol.SetTraceParams]():                  true,
	reflect.TypeFor[protocol.WorkDoneProgressCancelParams]():    true,

	// Settings outlive the version that they were written for: see unknownSettings.
	reflect.TypeFor[protocol.InitializationOptions](): true,
}

// isOwnType reports whether the product alone says which fields a type has.
func isOwnType(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && t.Name() != "" && !lspTypes[t]
}

func unknownField(name string, fields map[string]reflect.StructField) error {
	known := make([]string, 0, len(fields))
	for field := range fields {
		known = append(known, field)
	}
	slices.Sort(known)
	if len(known) == 0 {
		return invalidParams("there is no parameter %s: this method has none", name)
	}
	return invalidParams("there is no parameter %s; there are %s", name, strings.Join(known, ", "))
}

func invalidParams(format string, args ...any) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: fmt.Sprintf(format, args...),
		Hint:    "See the reference page of the protocol for the parameters of each method.",
	}
}
