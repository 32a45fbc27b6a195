package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
)

// TestMain checks that no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topSecret = "top-secret-value"

// holder has secrets as the product's types have them, in fields of both kinds.
type holder struct {
	Exported   secret.Text
	unexported secret.Text
}

func hold() holder { return holder{secret.New(topSecret), secret.New(topSecret)} }

func TestASecretIsNotPrinted(t *testing.T) {
	held := hold()
	values := []any{
		held.unexported, held, &held, []holder{held},
		[]secret.Text{held.Exported}, map[string]secret.Text{"key": held.Exported}, map[secret.Text]int{held.Exported: 1},
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		for _, value := range values {
			if got := fmt.Sprintf(verb, value); reveals(got) {
				t.Errorf("%s of a %T shows the secret", verb, value)
			}
		}
	}
	if got := fmt.Sprint(held.Exported); got != "[secret]" {
		t.Errorf("a secret prints as %q, want %q", got, "[secret]")
	}
	if got := fmt.Errorf("refused: %w, %v", fmt.Errorf("the token %s", held.Exported), held).Error(); reveals(got) {
		t.Error("an error shows the secret")
	}
}

func TestASecretIsNotLogged(t *testing.T) {
	var out bytes.Buffer
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, options), slog.NewJSONHandler(&out, options)} {
		log := slog.New(handler)
		held := hold()
		log.Info("one", "token", held.Exported, "holder", held, "pointer", &held)
		log.With("token", held.Exported).WithGroup("group").Info("two", "list", []secret.Text{held.Exported})
	}
	if reveals(out.String()) || !strings.Contains(out.String(), "[secret]") {
		t.Errorf("the log shows the secret, or nothing in its place:\n%s", out.String())
	}
}

func TestASecretIsNotEncoded(t *testing.T) {
	for _, value := range []any{secret.New(topSecret), hold(), map[string]any{"token": secret.New(topSecret)}} {
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
	text := secret.New(topSecret)
	if got := text.Reveal(); got != topSecret || text.IsEmpty() {
		t.Errorf("Reveal = %q, want the secret", got)
	}
	if text != secret.New(topSecret) || text == secret.New("another") {
		t.Error("secrets are not compared by what they are")
	}
}

func TestTheEmptySecret(t *testing.T) {
	var zero secret.Text
	if !zero.IsEmpty() || zero.Reveal() != "" || zero != secret.New("") {
		t.Error("the zero value is not the empty secret")
	}
}

// reveals reports whether the secret is in a text, as it is, in hexadecimal or as
// a list of its bytes.
func reveals(text string) bool {
	bytes := strings.Trim(fmt.Sprint([]byte(topSecret)), "[]")
	return strings.Contains(text, topSecret) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", topSecret)) ||
		strings.Contains(text, bytes)
}

func TestPasswordIn(t *testing.T) {
	for url, want := range map[string]string{
		"http://sam:p%40ss@proxy.example.com:3128": "p@ss",
		"sam:p%40ss@proxy.example.com:3128":        "p@ss", // as a variable may have it
		"socks5://sam:pass@127.0.0.1":              "pass",
		"http://sam@proxy.example.com":             "",
		"http://proxy.example.com:3128":            "",
		"proxy.example.com:3128":                   "",
		"http://sam:pass@%zz":                      "",
		"":                                         "",
	} {
		if got := secret.PasswordIn(url).Reveal(); got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
}
