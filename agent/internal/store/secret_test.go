package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

const topSecret = "top-secret-value"

func TestASecretIsNotPrinted(t *testing.T) {
	tokens := store.Tokens{Access: topSecret, Refresh: topSecret}
	values := []any{store.Secret(topSecret), &tokens, tokens, []store.Secret{topSecret}, map[string]store.Secret{"key": topSecret}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X"} {
		for _, value := range values {
			if got := fmt.Sprintf(verb, value); reveals(got) {
				t.Errorf("%s of a %T shows the secret", verb, value)
			}
		}
	}
	if got := fmt.Sprint(store.Secret(topSecret)); got != "[secret]" {
		t.Errorf("a secret prints as %q, want %q", got, "[secret]")
	}
	if got := fmt.Errorf("refused: %w, %v", fmt.Errorf("the token %s", tokens.Access), tokens).Error(); reveals(got) {
		t.Error("an error shows the secret")
	}
}

func TestASecretIsNotLogged(t *testing.T) {
	var out bytes.Buffer
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, options), slog.NewJSONHandler(&out, options)} {
		log := slog.New(handler)
		tokens := store.Tokens{Access: topSecret, Refresh: topSecret}
		log.Info("one", "token", store.Secret(topSecret), "tokens", tokens, "pointer", &tokens)
		log.With("token", tokens.Access).WithGroup("group").Info("two", "list", []store.Secret{topSecret})
	}
	if reveals(out.String()) || !strings.Contains(out.String(), "[secret]") {
		t.Errorf("the log shows the secret, or nothing in its place:\n%s", out.String())
	}
}

func TestASecretIsNotEncoded(t *testing.T) {
	for _, value := range []any{store.Secret(topSecret), store.Tokens{Access: topSecret}, map[string]any{"token": store.Secret(topSecret)}} {
		data, err := json.Marshal(value)
		if err == nil {
			t.Errorf("a %T was encoded: %s", value, data)
		}
		if err != nil && reveals(err.Error()) {
			t.Errorf("the error of encoding a %T shows the secret", value)
		}
	}
}

func TestASecretIsRevealedToWhoAsks(t *testing.T) {
	if got := store.Secret(topSecret).Reveal(); got != topSecret {
		t.Errorf("Reveal = %q, want the secret", got)
	}
}

// reveals reports whether the secret is in a text, as it is or in hexadecimal.
func reveals(text string) bool {
	return strings.Contains(text, topSecret) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", topSecret))
}
