package agent_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// FuzzFrames takes any bytes for what an editor says before it is gone. The agent
// ends, it writes nothing but messages, and it answers no request twice, nor
// anything that is none.
func FuzzFrames(f *testing.F) {
	status := frame(`{"jsonrpc":"2.0","id":2,"method":"gitlabSM/status"}`)
	for _, seed := range []string{
		"", "\r\n", "\n\n", "Content-Length: 0\r\n\r\n", "Content-Length: -1\r\n\r\n", "Content-Length: 99999999999999999999\r\n\r\n", "Content-Length: 9\r\n\r\n{}",
		"content-length:2\nContent-Type: x\n\n{}", "Content-Length: 2\r\nContent-Length: 4\r\n\r\nnull", strings.Repeat("x", 9000), "\xff\xfe",
		frame(`[]`), frame(`7`), frame(`{"id":1}`), frame(`{"jsonrpc":"2.0","id":1.5,"method":"shutdown"}`), frame(`{"jsonrpc":"2.0","id":-0,"result":null}`),
		initializeFrame, initializeFrame + status + status + endFrames + status,
		initializeFrame + frame(`{"jsonrpc":"2.0","id":"a","method":"gitlabSM/authenticate","params":{"workDoneToken":5}}`) + frame(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"\u0061"}}`) + status,
		initializeFrame + frame(`{"jsonrpc":"2.0","method":"gitlabSM/authenticate","params":{}}`) + status,
		initializeFrame + frame(`{"jsonrpc":"2.0","method":"shutdown"}`) + status,
		initializeFrame + frame(`{"jsonrpc":"2.0","id":9,"method":"exit"}`) + status,
		initializeFrame + frame(`{"jsonrpc":"2.0","ID":3,"METHOD":"gitlabSM/status"}`),
		initializeFrame + frame(`{"jsonrpc":"2.0","id":4,"method":"gitlabSM/status","Id":5}`),
		initializeFrame + frame(`{"jsonrpc":"2.0","method":"$/setTrace","params":{"value":"verbose"}}`) + status,
		initializeFrame + frame(`{"jsonrpc":"2.0","method":"workspace/didChangeConfiguration","params":{"settings":{"codestream":{"browser":"x"}}}}`),
	} {
		f.Add([]byte(seed))
	}
	template := signedInDir(f)
	f.Fuzz(func(t *testing.T, stdin []byte) {
		dir := t.TempDir()
		copyDir(t, template, dir)
		s := serveOffline(t, dir, bytes.NewReader(stdin), new(output))
		asked := requestIDs(stdin)
		for _, r := range s.responses() {
			if string(r.id) == "null" {
				continue
			}
			i := slices.IndexFunc(asked, func(id json.RawMessage) bool { return sameID(id, r.id) })
			if i < 0 {
				t.Fatalf("the answer to %s is one to nothing, or a second one", r.id)
			}
			asked = slices.Delete(asked, i, i+1)
		}
	})
}

// requestIDs reads ids as plainly as it can be done: whatever has a member of that
// very name, in whatever is a frame.
func requestIDs(stdin []byte) (ids []json.RawMessage) {
	r := bufio.NewReader(bytes.NewReader(stdin))
	for {
		length := -1
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return ids
			}
			name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
			if name == "" && value == "" {
				break
			}
			if textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)) == "Content-Length" {
				length, _ = strconv.Atoi(strings.TrimSpace(value))
			}
		}
		if length < 0 || length > len(stdin) {
			return ids
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return ids
		}
		var members map[string]json.RawMessage
		if json.Unmarshal(body, &members) == nil && members["id"] != nil {
			ids = append(ids, members["id"])
		}
	}
}

// FuzzRequests makes one request of any kind in a session that is all right but
// for that. It is answered once; an error is one that package protocol declares,
// and never an internal one; and no secret leaves the agent.
func FuzzRequests(f *testing.F) {
	for _, method := range protocol.Declarations() {
		f.Add(method.Method, []byte(`{}`), []byte(`2`))
	}
	for _, seed := range []struct{ method, params, id string }{
		{"gitlabSM/configure", `{"url":"gitlab.example.com"}`, `"a"`},
		{"gitlabSM/configure", `{"url":"http://127.0.0.1:1","clientId":"app","clientSecret":"x","redirectUri":"http://localhost:1/x","scopes":["api"],"sshHosts":["a:22"],"name":"n","share":"local","verify":false}`, `-5`},
		{"gitlabSM/configure", `{"url":"http://gitlab.example.com","allowHttp":true,"network":{"proxy":"http://127.0.0.1:1","noProxy":"*","caFile":"/","clientCertFile":"x","clientKeyFile":""}}`, `18446744073709551616`},
		{"gitlabSM/unconfigure", `{"instance":"http://127.0.0.1:1"}`, `""`},
		{"gitlabSM/status", `{"instance":"127.0.0.1"}`, `"\u0000"`},
		{"gitlabSM/authenticate", `{"method":"browser","timeoutSeconds":1,"workDoneToken":"t"}`, `2`},
		{"gitlabSM/authenticate", `{"method":"token","token":"x"}`, `2`},
		{"gitlabSM/completeAuthentication", `{"callbackUrl":"http://127.0.0.1/?state=a&code=b"}`, `2`},
		{"gitlabSM/disconnect", `{"account":"7","revoke":false}`, `2`},
		{"gitlabSM/token", `{"minValiditySeconds":9223372036854775807}`, `2`},
		{"gitlabSM/request", `{"path":"/user","query":{"a":[1,"b",true]},"headers":{"X-A":"b"},"body":{"a":null},"method":"POST"}`, `2`},
		{"gitlabSM/request", `{"path":"/projects","allPages":true,"query":{"per_page":7}}`, `2`},
		{"gitlabSM/resolveRemote", `{"remote":"git@127.0.0.1:group/project.git"}`, `2`},
		{"gitlabSM/diagnose", `{"instance":"http://127.0.0.1:1"}`, `2`},
		{"initialize", `{"processId":0,"capabilities":{},"initializationOptions":{"team":{"registry":"nats://x"}}}`, `2`},
	} {
		f.Add(seed.method, []byte(seed.params), []byte(seed.id))
	}
	template := signedInDir(f)
	f.Fuzz(func(t *testing.T, method string, params, id []byte) {
		name, err := json.Marshal(method)
		if err != nil || !isJSON(params) || !isJSON(id) || sameID(id, json.RawMessage(`"shutdown"`)) || strings.Contains(method+string(params)+string(id), "glfake-") {
			return
		}
		dir := t.TempDir()
		copyDir(t, template, dir)
		answeredTo := json.RawMessage(id)
		if !protocol.IsStringOrInteger(bytes.TrimSpace(id)) {
			answeredTo = json.RawMessage("null")
		}
		request := frame(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%s,"params":%s}`, id, name, params))
		e := newEditor(initializeFrame+request, string(answeredTo))
		s := serveOffline(t, dir, e, &output{wrote: e.hear})
		want := []json.RawMessage{json.RawMessage("1"), answeredTo, json.RawMessage(`"shutdown"`)}
		got := s.responses()
		if len(got) != len(want) || s.status != 0 {
			t.Fatalf("%d answers to %d requests, and status %d", len(got), len(want), s.status)
		}
		for _, r := range got {
			i := slices.IndexFunc(want, func(id json.RawMessage) bool { return sameID(id, r.id) })
			if i < 0 {
				t.Fatalf("an answer has the id %s, which none of %s is", r.id, want)
			}
			want = slices.Delete(want, i, i+1)
		}
		for _, m := range s.messages {
			wantNoSecret(t, m.body, method == protocol.Token.Method())
		}
		wantNoSecret(t, s.log, false)
	})
}

func isJSON(text []byte) bool { return utf8.Valid(text) && json.Valid(text) }

func wantNoSecret(t *testing.T, text string, mayHaveAccessToken bool) {
	t.Helper()
	if strings.Contains(text, fuzzSecrets.client) || strings.Contains(text, fuzzSecrets.refresh) || !mayHaveAccessToken && strings.Contains(text, fuzzSecrets.access) {
		t.Errorf("a secret is in %s", text)
	}
}
