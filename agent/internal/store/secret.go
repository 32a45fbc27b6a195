package store

import (
	"errors"
	"log/slog"
)

// Secret is a string that no formatting, logging or JSON encoding prints.
type Secret string

const hidden = "[secret]"

// Reveal returns the secret itself, for the one place that sends it.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret.
func (s Secret) String() string { return hidden }

// GoString hides the secret.
func (s Secret) GoString() string { return hidden }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON refuses: a secret is sealed, never encoded.
func (s Secret) MarshalJSON() ([]byte, error) {
	return nil, errors.New("store: a secret must not be encoded")
}
