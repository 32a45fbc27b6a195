package secret

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"unicode/utf8"
)

// maxText is how much of a text is logged, in bytes: a log file takes no line that
// is longer than itself.
const maxText = 64 << 10

// handler is a slog.Handler that hides secrets.
type handler struct {
	next  slog.Handler
	known *Known
	// scopes are what With and WithGroup added. They are handed on with each record
	// and not before: a secret in them may become known in between.
	scopes []scope
}

// scope is either a group or attributes.
type scope struct {
	group string
	attrs []slog.Attr
}

// NewHandler returns a handler that hands each record on without its secrets: with
// [Known.Redact] of its message and of the values of its attributes, however they
// are grouped. Values other than numbers, times and truth values become text. The
// value of an attribute whose name is a secret's, such as "token", is hidden as a
// whole. Names are kept.
//
// A value that panics when it is asked for its text is named by its type.
func NewHandler(next slog.Handler, known *Known) slog.Handler {
	return &handler{next: next, known: known}
}

// Enabled asks the next handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle hands on what a record is without its secrets.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	next := h.next
	for _, s := range h.scopes {
		if s.group != "" {
			next = next.WithGroup(s.group)
		} else {
			next = next.WithAttrs(h.attrs(s.attrs))
		}
	}
	clean := slog.NewRecord(r.Time, r.Level, h.text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.attr(a))
		return true
	})
	return next.Handle(ctx, clean)
}

// WithAttrs adds attributes.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.with(scope{attrs: attrs})
}

// WithGroup begins a group.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(scope{group: name})
}

func (h *handler) with(s scope) slog.Handler {
	scopes := append(h.scopes[:len(h.scopes):len(h.scopes)], s)
	return &handler{next: h.next, known: h.known, scopes: scopes}
}

func (h *handler) attrs(attrs []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.attr(a)
	}
	return clean
}

func (h *handler) attr(a slog.Attr) slog.Attr {
	value := a.Value.Resolve() // a LogValue that panics becomes an error
	switch value.Kind() {
	case slog.KindGroup:
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(h.attrs(value.Group())...)}
	case slog.KindString:
		return slog.String(a.Key, h.named(a.Key, value.String()))
	case slog.KindAny:
		if value.Any() == nil {
			break
		}
		return slog.String(a.Key, h.named(a.Key, describe(value.Any())))
	}
	return slog.Attr{Key: a.Key, Value: value}
}

// named is the text of an attribute with a name.
func (h *handler) named(name, text string) string {
	if text != "" && isSecretName(name) {
		return hidden
	}
	return h.text(text)
}

func (h *handler) text(text string) string {
	text = h.known.Redact(text)
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes)", text[:end], len(text))
}

// describe returns the text of a value. It is not fmt's: that does not come to an
// end where a map holds itself, and prints bytes as numbers.
func describe(value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("(a %T that cannot be printed)", value)
		}
	}()
	switch v := value.(type) {
	case error:
		return v.Error()
	case *http.Request:
		return v.Method + " " + v.URL.String()
	case *http.Response:
		return v.Status
	case url.URL:
		return v.String()
	case fmt.Stringer:
		return v.String()
	case []byte:
		return string(v)
	}
	data, err := json.Marshal(value)
	if err != nil { // such as of a Text
		return fmt.Sprintf("(a %T)", value)
	}
	return string(data)
}
