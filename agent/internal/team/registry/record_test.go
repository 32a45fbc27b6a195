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
	if got := decode(testID, value, 7, ourKey); got.Unusable != nil || got.ID != testID || got.Revision != 7 || got.ClientSecret != secret.New(testSecret) {
		t.Errorf("the record is %+v", got)
	}
	if moved := decode("https://other.example.com", value, 7, ourKey); moved.Unusable != nil || moved.Problem == nil || !moved.ClientSecret.IsEmpty() {
		t.Errorf("under another's key the secret opens: %+v", moved)
	}
	for name, c := range map[string]struct{ value, problem string }{
		"newer":                   {`{"version": 2, "instance": {}}`, "update"},
		"newer, with other types": {`{"version": 3, "instance": []}`, "update"},
		"no version":              {`{}`, "cannot be read"},
		"no JSON":                 {`{"clientSecret`, "cannot be read"},
		"other types":             {`{"version": 1, "instance": []}`, "cannot be read"},
		"too large":               {strings.Repeat(" ", maxRecord) + "{}", "larger than 64 KiB"},
	} {
		got := decode(testID, []byte(c.value), 1, ourKey)
		if got.ID != testID || got.Unusable == nil || !strings.Contains(got.Unusable.Error(), c.problem) {
			t.Errorf("%s: the entry is %+v, want that it cannot be used: %q", name, got, c.problem)
		}
	}
	for _, key := range []string{"settings", keyPrefix + "%"} {
		if id, ok := idOf(key); ok {
			t.Errorf("%q is the key of the instance %q", key, id)
		}
	}
}

func FuzzRecord(f *testing.F) {
	value, err := encode(entry("first"), ourKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(testID, value)
	f.Add("https://other.example.com", value)
	f.Add("", []byte(`{"version":1,"instance":{"url":null},"clientSecret":{"key":"","box":""}}`))
	f.Add(testID, []byte(`{"version":1,"clientSecret":{"key":"`+ourKey.id()+`","box":"AAAA"}}`))
	f.Add(testID, []byte(`[]`))
	f.Fuzz(func(t *testing.T, id string, value []byte) {
		got := decode(id, value, 1, ourKey)
		if got.Confidential != (got.Problem != nil || !got.ClientSecret.IsEmpty()) && got.Confidential {
			t.Errorf("a secret is neither opened nor explained: %+v", got)
		}
		if id != testID && got.ClientSecret == secret.New(testSecret) {
			t.Errorf("a secret opens under the id %q", id)
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
