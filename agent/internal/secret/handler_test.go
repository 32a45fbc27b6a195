package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
)

// fake is a secret that is known, and unseen one that is not.
const (
	fake   = "glfake-1"
	unseen = "glpat-0123456789"
)

// newLog returns a log in JSON, and where its lines go.
func newLog(known *secret.Known) (*slog.Logger, *bytes.Buffer) {
	out := new(bytes.Buffer)
	return slog.New(secret.NewHandler(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}), known)), out
}

// attributes returns those of the one line that was logged.
func attributes(t *testing.T, out *bytes.Buffer) map[string]any {
	t.Helper()
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return line
}

func TestAHandlerIsAsSlogWantsIt(t *testing.T) {
	var out *bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		var log *slog.Logger
		log, out = newLog(knows(fake))
		return log.Handler()
	}, func(t *testing.T) map[string]any { return attributes(t, out) })
}

func TestTheLevelIsTheNextHandlers(t *testing.T) {
	next := slog.NewTextHandler(new(bytes.Buffer), &slog.HandlerOptions{Level: slog.LevelWarn})
	h := secret.NewHandler(next, new(secret.Known))
	if h.Enabled(t.Context(), slog.LevelInfo) || !h.Enabled(t.Context(), slog.LevelWarn) {
		t.Error("the levels are not the next handler's")
	}
}

type stringer string

func (s stringer) String() string { return string(s) }

type valuer struct{ slog.Value }

func (v valuer) LogValue() slog.Value { return v.Value }

func TestAValueIsLoggedWithoutItsSecrets(t *testing.T) {
	address := &url.URL{Scheme: "https", Host: "gitlab.example.com", User: url.UserPassword("sam", "pw"), RawQuery: "code=abc&b=c"}
	loop := map[string]any{}
	loop["loop"] = loop
	var nobody *url.Error
	for name, c := range map[string]struct {
		value any
		want  any
	}{
		"a text":               {"a " + fake, "a [secret]"},
		"an error":             {fmt.Errorf("refused: %w", errors.New(fake)), "refused: [secret]"},
		"a Stringer":           {stringer("a " + fake), "a [secret]"},
		"bytes":                {[]byte("a " + fake), "a [secret]"},
		"JSON":                 {json.RawMessage(`{"a": "glf\u0061ke-1", "b": 2}`), `{"a":"[secret]","b":2}`},
		"what is not JSON":     {json.RawMessage(fake), "(a json.RawMessage)"},
		"a struct":             {struct{ A, B string }{fake, "b"}, `{"A":"[secret]","B":"b"}`},
		"bytes in a struct":    {struct{ A []byte }{[]byte(fake)}, `{"A":"[secret]"}`},
		"a pointer":            {&struct{ A *string }{new("a " + fake)}, `{"A":"a [secret]"}`},
		"a map":                {map[string]any{"a": []string{fake}}, `{"a":["[secret]"]}`},
		"a map of names":       {map[string]any{"a": 1, "client_secret": "b", "c": 2}, `{"a":1,"c":2,"client_secret":[secret]}`},
		"a list":               {[]any{fake, 1, nil}, `["[secret]",1,null]`},
		"headers":              {http.Header{"Accept": {"a"}, "Authorization": {"Bearer b"}, "Via": {"c"}}, `{"Accept":["a"],"Authorization":[secret],"Via":["c"]}`},
		"parameters":           {url.Values{"client_id": {"a"}, "code": {"b"}}, `{"client_id":["a"],"code":[secret]}`},
		"a URL":                {*address, "https://[secret]@gitlab.example.com?code=[secret]&b=c"},
		"a pointer to a URL":   {address, "https://[secret]@gitlab.example.com?code=[secret]&b=c"},
		"a request":            {&http.Request{Method: "GET", URL: address, Header: http.Header{"X": {fake}}}, "GET https://[secret]@gitlab.example.com?code=[secret]&b=c"},
		"a request to nowhere": {new(http.Request), "(a *http.Request that cannot be printed)"},
		"a response":           {&http.Response{Status: "200 " + fake}, "200 [secret]"},
		"a Text":               {secret.New(fake), "[secret]"},
		"Texts":                {[]secret.Text{secret.New(fake)}, "(a []secret.Text)"},
		"a group":              {slog.GroupValue(slog.String("a", fake), slog.Group("b", "c", fake)), map[string]any{"a": "[secret]", "b": map[string]any{"c": "[secret]"}}},
		"a LogValuer":          {valuer{slog.AnyValue(valuer{slog.AnyValue(errors.New(fake))})}, "[secret]"},
		"what holds itself":    {loop, "(a map[string]interface {})"},
		"what JSON has not":    {make(chan int), "(a chan int)"},
		"a nil pointer":        {nobody, "(a *url.Error that cannot be printed)"},
		"nil":                  {nil, nil},
		"a number":             {12345678, 12345678.0},
		"a truth":              {true, true},
		"a time":               {time.Second, 1e9},
		"lines":                {"a\n" + fake + "\r\x1b[0m\u2028", "a\n[secret]\r\x1b[0m\u2028"},
	} {
		log, out := newLog(knows(fake))
		log.Info("m", "a", c.value)
		if got := attributes(t, out)["a"]; fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s is logged as\n%v, want\n%v", name, got, c.want)
		}
	}
}

type panicking struct{}

func (panicking) String() string       { panic(fake) }
func (panicking) Error() string        { panic(fake) }
func (panicking) LogValue() slog.Value { panic(fake) }

type panickingJSON struct{}

func (panickingJSON) MarshalJSON() ([]byte, error) { panic(fake) }

func TestAValueThatPanicsDoesNot(t *testing.T) {
	for name, value := range map[string]any{
		"a Stringer":  struct{ fmt.Stringer }{panicking{}},
		"an error":    struct{ error }{panicking{}},
		"a LogValuer": struct{ slog.LogValuer }{panicking{}},
		"JSON":        []any{panickingJSON{}},
	} {
		log, out := newLog(knows(fake))
		log.Info("m", "a", value, "b", "c")
		got := attributes(t, out)
		text := fmt.Sprint(got["a"])
		if got["b"] != "c" || strings.Contains(text, fake) || !strings.Contains(text, "cannot be printed") && !strings.Contains(text, "panicked") {
			t.Errorf("%s that panics is logged as %s", name, out)
		}
	}
}

func TestAnAttributeWithTheNameOfASecretIsHidden(t *testing.T) {
	log, out := newLog(new(secret.Known))
	log.Info("m", "token", "a b", "clientSecret", errors.New("c"), "Authorization", "d", "password", "", "code", 7, "state", slog.GroupValue(slog.String("a", "e")))
	got := attributes(t, out)
	for name, want := range map[string]any{
		"token": "[secret]", "clientSecret": "[secret]", "Authorization": "[secret]", "password": "", "code": 7.0, "state": map[string]any{"a": "e"},
	} {
		if fmt.Sprint(got[name]) != fmt.Sprint(want) {
			t.Errorf("%s is logged as %v, want %v", name, got[name], want)
		}
	}
}

// What a logger carries along is looked at when it is logged: a secret in it may
// not have been known before.
func TestASecretThatBecomesKnownIsReplacedInWhatIsCarriedAlong(t *testing.T) {
	known := new(secret.Known)
	log, out := newLog(known)
	log = log.With("a", fake).WithGroup("g").With("b", []string{fake}).WithGroup("").With()
	known.Add(secret.New(fake))
	log.Info("m "+fake, slog.Group("h", "c", fake), "url", "https://"+unseen+"@x")
	got := attributes(t, out)
	want := `map[a:[secret] g:map[b:["[secret]"] h:map[c:[secret]] url:https://[secret]@x]`
	if group := fmt.Sprint(map[string]any{"a": got["a"], "g": got["g"]}); got["msg"] != "m [secret]" || group != want+"]" {
		t.Errorf("the line has %q and\n%s, want\n%s", got["msg"], group, want)
	}
}

func TestALineIsOneLine(t *testing.T) {
	const text = "a\nb\r\n\t\x00\x1b[31m\x7f\u0085\u2028\u2029 \xff " + fake + "\n"
	for name, next := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(out *bytes.Buffer) slog.Handler { return slog.NewTextHandler(out, nil) },
		"JSON": func(out *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(out, nil) },
	} {
		out := new(bytes.Buffer)
		slog.New(secret.NewHandler(next(out), knows(fake))).Info(text, "a"+text, text, "b", errors.New(text))
		line := strings.TrimSuffix(out.String(), "\n")
		if strings.ContainsAny(line, "\n\r\t\x00\x1b\u2028\u2029") || strings.Count(line, "[secret]") != 3 {
			t.Errorf("%s: the line is %q", name, out)
		}
	}
}

// The name of an attribute stays as it is; so does its text but for the secret.
func TestALongTextIsCut(t *testing.T) {
	log, out := newLog(knows(fake))
	log.Info("m", "a", strings.Repeat("é", 100_000)+fake)
	got := attributes(t, out)["a"].(string)
	if want := strings.Repeat("é", 32_768) + "… (200008 bytes)"; got != want {
		t.Errorf("the text is logged with %d bytes, at the end %q", len(got), got[max(0, len(got)-40):])
	}
}

func BenchmarkHandler(b *testing.B) {
	known := new(secret.Known)
	for i := range 4096 {
		known.Add(secret.New(fmt.Sprintf("glpat-%032x", i*2654435761)))
	}
	for name, h := range map[string]slog.Handler{
		"plain":     slog.NewTextHandler(new(discard), nil),
		"redacting": secret.NewHandler(slog.NewTextHandler(new(discard), nil), known),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			log := slog.New(h)
			for b.Loop() {
				log.LogAttrs(context.Background(), slog.LevelInfo, "a request was answered",
					slog.String("method", "gitlabSM/request"), slog.Duration("took", time.Millisecond), slog.String("error", "NotFound"))
			}
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
