package secret_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
)

// encodings are the ways in which a secret may come into a text.
var encodings = []func(string) string{
	func(s string) string { return s },
	url.QueryEscape,
	url.PathEscape,
	inJSON,
	func(s string) string { quoted := strconv.Quote(s); return quoted[1 : len(quoted)-1] },
	func(s string) string { quoted := strconv.QuoteToASCII(s); return quoted[1 : len(quoted)-1] },
	func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	func(s string) string { return base64.StdEncoding.EncodeToString([]byte("sam:" + s)) },
	func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("oauth2:" + s)) },
	func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	func(s string) string { return url.QueryEscape(inJSON(s)) },
}

func inJSON(s string) string {
	quoted, _ := json.Marshal(s)
	return string(quoted[1 : len(quoted)-1])
}

// FuzzRedaction puts a secret into a text, and looks for it in what is logged:
// whatever stands around it, and whichever other secret is known.
func FuzzRedaction(f *testing.F) {
	f.Add("", "", "glfake-1", "glfake-2", byte(0))
	f.Add("the token ", " is refused", "glfake-a+b/c=", "fake-a", byte(1))
	f.Add(`{"a":"`, `"}`, `glfake-"\é<>`, "é", byte(3))
	f.Add("Basic ", "==", "glfake-1", "secret", byte(7))
	f.Add("%", "%41", "b%2Fc", "]bbb", byte(1))
	f.Add(`\`, `\`, "\x01abc", "t]\x01a", byte(4))
	f.Add("?a=%2", "5", "\xff\xfe\xfd\xfc", "abcd", byte(9))
	f.Fuzz(func(t *testing.T, before, after, one, other string, how byte) {
		known := knows(one, other)
		encoded := encodings[int(how)%len(encodings)](one)
		text := before + encoded + after
		logged := new(recorded)
		slog.New(secret.NewHandler(logged, known)).Info(text, "a", []byte(text), slog.Group("g", "b", text))
		for _, got := range logged.texts {
			wantNone(t, text, got, one)
			wantNone(t, text, got, other)
			if len(one) >= 4 && contains(got, encoded) {
				t.Errorf("%q becomes %q, with %q in it", text, got, encoded)
			}
		}
		var out bytes.Buffer
		slog.New(secret.NewHandler(slog.NewTextHandler(&out, nil), known)).Info(text, "a", text)
		if strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%q is logged on several lines: %q", text, out.String())
		}
	})
}

// wantNone looks for a secret in all its forms.
func wantNone(t *testing.T, text, got, known string) {
	t.Helper()
	if len(known) < 4 {
		return
	}
	for _, encode := range encodings[:9] {
		if form := encode(known); contains(got, form) {
			t.Errorf("%q becomes %q, with %q in it", text, got, form)
		}
	}
}

// contains reports whether a text contains another anywhere but within the word
// that stands for a secret.
func contains(text, part string) bool {
	const word = "[secret]"
	for at := range len(text) {
		if !strings.HasPrefix(text[at:], part) {
			continue
		}
		begin := strings.LastIndex(text[:min(len(text), at+len(word))], word)
		if begin < 0 || begin > at || at+len(part) > begin+len(word) {
			return true
		}
	}
	return false
}

// recorded is a handler that keeps the texts of a record.
type recorded struct {
	slog.Handler
	texts []string
}

func (*recorded) Enabled(context.Context, slog.Level) bool { return true }

func (r *recorded) Handle(_ context.Context, record slog.Record) error {
	r.texts = append(r.texts, record.Message)
	record.Attrs(r.keep)
	return nil
}

func (r *recorded) keep(a slog.Attr) bool {
	if a.Value.Kind() == slog.KindGroup {
		for _, inner := range a.Value.Group() {
			r.keep(inner)
		}
		return true
	}
	r.texts = append(r.texts, a.Value.String())
	return true
}
