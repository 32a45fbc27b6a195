package store_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// logInto are the options of a store that logs all it can.
func logInto(out *bytes.Buffer) store.Options {
	return store.Options{Log: slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))}
}

func TestATransactionThatFailsIsLogged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s := store.New(filepath.Join(file, "data"), logInto(&out))
	err := s.Update(func(*store.Tx) error { return nil })
	if !errors.Is(err, protocol.StoreDamaged) || !strings.Contains(out.String(), "what=update") || !strings.Contains(out.String(), err.Error()) {
		t.Errorf("the error is %v, and the log\n%s", err, &out)
	}
}

// A record that is not there is an answer.
func TestATransactionWithoutARecordIsNotLogged(t *testing.T) {
	var out bytes.Buffer
	s := store.New(t.TempDir(), logInto(&out))
	err := s.View(func(tx *store.Tx) error {
		_, err := tx.Instance("https://gitlab.example.com")
		return err
	})
	if !errors.Is(err, store.ErrNotFound) || strings.Contains(out.String(), "error=") {
		t.Errorf("the error is %v, and the log\n%s", err, &out)
	}
}
