package registry

import (
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

func TestRecord(t *testing.T) {
	value, err := encode(entry("first"), ourKey)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(value), testSecret) {
		t.Error("the secret is in the record")
	}
	got, err := decode(keyOf(testID), value, 7, ourKey)
	if err != nil || got.ID != testID || got.Revision != 7 || got.ClientSecret != secret.New(testSecret) {
		t.Errorf("the record is %+v, %v", got, err)
	}
	elsewhere := keyOf("https://other.example.com")
	if moved, err := decode(elsewhere, value, 7, ourKey); err != nil || moved.Problem == nil || !moved.ClientSecret.IsEmpty() {
		t.Errorf("under another's key the secret opens: %+v, %v", moved, err)
	}
	for name, c := range map[string]struct{ key, value, problem string }{
		"newer":      {keyOf(testID), `{"version": 2, "instance": {}}`, "update"},
		"no version": {keyOf(testID), `{}`, "the form 0"},
		"no JSON":    {keyOf(testID), `{"clientSecret`, "cannot be read"},
		"another":    {"settings", `{"version": 1}`, "none of an instance"},
		"bad key":    {keyPrefix + "%", `{"version": 1}`, "none of an instance"},
		"too large":  {keyOf(testID), strings.Repeat(" ", maxRecord) + "{}", "none of an instance"},
	} {
		if _, err := decode(c.key, []byte(c.value), 1, ourKey); err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: the error is %v, want %q", name, err, c.problem)
		}
	}
}

func FuzzRecord(f *testing.F) {
	value, err := encode(entry("first"), ourKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(keyOf(testID), value)
	f.Add(keyOf("https://other.example.com"), value)
	f.Add("instance.", []byte(`{"version":1,"instance":{"url":null},"clientSecret":{"key":"","box":""}}`))
	f.Add(keyOf(testID), []byte(`{"version":1,"clientSecret":{"key":"`+ourKey.id()+`","box":"AAAA"}}`))
	f.Add("settings", []byte(`[]`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		got, err := decode(key, value, 1, ourKey)
		if err != nil {
			return
		}
		if got.Confidential != (got.Problem != nil || !got.ClientSecret.IsEmpty()) && got.Confidential {
			t.Errorf("a secret is neither opened nor explained: %+v", got)
		}
		if keyOf(got.ID) != key && got.ClientSecret == secret.New(testSecret) {
			t.Errorf("a secret opens under the key %q", key)
		}
	})
}

func TestSettings(t *testing.T) {
	for registry, want := range map[string]protocol.Code{
		"nats://127.0.0.1:4222":                             0,
		"tls://registry.example.com, tls://b.example.com":   0,
		"nats://registry.example.com":                       protocol.InsecureTransport,
		"nats://127.0.0.1:4222,nats://registry.example.com": protocol.InsecureTransport,
		"https://registry.example.com":                      protocol.InvalidParams,
		"registry.example.com:4222":                         protocol.InvalidParams,
		"tls://":                                            protocol.InvalidParams,
		"tls://sam:natstest-secret@registry.example.com":    protocol.InvalidParams,
	} {
		_, err := New(Config{Settings: Settings{Team: protocol.Team{Registry: registry}}})
		if got := codeOf(err); got != want {
			t.Errorf("%s is answered %v, want %v", registry, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "natstest-secret") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
	if _, err := New(Config{Settings: Settings{Team: protocol.Team{Registry: "tls://a.example.com", Name: "our.team"}}}); codeOf(err) != protocol.InvalidParams {
		t.Errorf("a team's name with a dot is answered %v", err)
	}
}

func codeOf(err error) protocol.Code {
	if known, ok := err.(*protocol.Error); ok {
		return known.Code
	}
	return 0
}

func TestJitterSpreadsTheDelay(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		got := jitter(maxDelay)
		if got < maxDelay/2 || got >= maxDelay {
			t.Fatalf("a delay of %v became %v", maxDelay, got)
		}
		seen[got.String()] = true
	}
	if len(seen) < 50 {
		t.Errorf("a hundred delays are only %d different ones", len(seen))
	}
}
