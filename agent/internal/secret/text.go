// Package secret keeps secrets from being printed: [Text] is a string that no
// formatting shows.
package secret

import (
	"errors"
	"log/slog"
	"net/url"
	"unique"
)

// Text is a string that no formatting, logging or JSON encoding prints. Two are
// equal when their strings are. The zero value is the empty string.
//
// It holds a handle and not the string: fmt calls no method of a value in an
// unexported field, and would print a string there as it is.
type Text struct{ handle unique.Handle[string] }

const hidden = "[secret]"

// New returns s as a secret.
func New(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{unique.Make(s)}
}

// PasswordIn returns the password of a URL, which may lack its scheme as proxies in
// the environment do. It is empty where there is none.
func PasswordIn(rawURL string) Text {
	for _, text := range []string{rawURL, "http://" + rawURL} {
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			password, _ := u.User.Password()
			return New(password)
		}
	}
	return Text{}
}

// IsEmpty reports whether there is no secret.
func (t Text) IsEmpty() bool { return t == Text{} }

// Reveal returns the secret itself, for the one place that sends or seals it.
func (t Text) Reveal() string {
	if t.IsEmpty() {
		return ""
	}
	return t.handle.Value()
}

// String hides the secret.
func (Text) String() string { return hidden }

// GoString hides the secret.
func (Text) GoString() string { return hidden }

// LogValue hides the secret.
func (Text) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON refuses: a secret is sealed, never encoded.
func (Text) MarshalJSON() ([]byte, error) {
	return nil, errors.New("secret: a secret must not be encoded")
}
