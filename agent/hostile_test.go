package agent_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// nowhere is a port of this machine where nothing listens.
const nowhere = "http://127.0.0.1:1"

// offline is GitLab for hostile parameters: whatever instance they name, nothing
// but nowhere is ever asked.
type offline struct{ gitlabsm.Provider }

func (o offline) Endpoints(string) providers.Endpoints { return o.Provider.Endpoints(nowhere) }

func (offline) Probe(context.Context, *http.Client, string) (providers.Probe, error) {
	return providers.Probe{}, nil
}

func (o offline) Host(_ string, client *http.Client) providers.Host {
	return o.Provider.Host(nowhere, client)
}

// fuzzSecrets are in the store of an agent that is fuzzed.
var fuzzSecrets = struct{ client, access, refresh string }{"glfake-cs-fuzz", "glfake-at-fuzz", "glfake-rt-fuzz"}

// signedInDir makes a data directory with an instance and its account.
func signedInDir(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	account := store.Account{
		ID: "7", Instance: nowhere, ClientID: "app", TokenType: "Bearer", Scopes: []string{"api"},
		Method: protocol.MethodBrowser, User: protocol.User{ID: 7, Username: "sam", Name: "Sam"},
	}
	err := store.New(dir, store.Options{}).Update(func(tx *store.Tx) error {
		return errors.Join(
			tx.PutInstance(store.Instance{ID: nowhere, Name: "GitLab", ClientID: "app", Scopes: []string{"api"}}, secret.New(fuzzSecrets.client)),
			tx.PutAccount(account, store.Tokens{Access: secret.New(fuzzSecrets.access), Refresh: secret.New(fuzzSecrets.refresh)}),
		)
	})
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

// copyDir copies the files of a directory.
func copyDir(tb testing.TB, from, to string) {
	tb.Helper()
	files, err := os.ReadDir(from)
	if err != nil {
		tb.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(from, file.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, file.Name()), content, 0o600)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// endFrames end a session as LSP has it.
var endFrames = frame(`{"jsonrpc":"2.0","id":"shutdown","method":"shutdown"}`) + frame(`{"jsonrpc":"2.0","method":"exit"}`)

// scriptedEditor says one thing, waits for the answer to a request in it, ends the
// session, and waits until the agent has ended.
type scriptedEditor struct {
	first, last io.Reader
	waitsFor    json.RawMessage // an id

	answered, closed chan struct{}
	once, closeOnce  sync.Once
}

func newEditor(first, waitsFor string) *scriptedEditor {
	return &scriptedEditor{
		first: strings.NewReader(first), last: strings.NewReader(endFrames), waitsFor: json.RawMessage(waitsFor),
		answered: make(chan struct{}), closed: make(chan struct{}),
	}
}

func (e *scriptedEditor) Read(p []byte) (int, error) {
	if n, err := e.first.Read(p); err != io.EOF {
		return n, err
	}
	select {
	case <-e.answered:
	case <-e.closed:
		return 0, io.EOF
	}
	if n, err := e.last.Read(p); err != io.EOF {
		return n, err
	}
	<-e.closed
	return 0, io.EOF
}

// Close is called by the agent when it ends.
func (e *scriptedEditor) Close() error {
	e.closeOnce.Do(func() { close(e.closed) })
	return nil
}

// hear takes the frames of one write of the agent's.
func (e *scriptedEditor) hear(frames []byte) {
	rest := bufio.NewReader(bytes.NewReader(frames))
	for body, err := nextFrame(rest); err == nil; body, err = nextFrame(rest) { // whoever reads the output will tell of an error
		e.hearMessage(body)
	}
}

// hearMessage takes a message. Word of a sign-in is as good as an answer: it waits
// for somebody who will not come.
func (e *scriptedEditor) hearMessage(body string) {
	var m struct {
		ID     json.RawMessage
		Method string
	}
	if json.Unmarshal([]byte(body), &m) != nil {
		return // as above
	}
	isInitialize := string(m.ID) == "1" && strings.Contains(body, "serverInfo")
	isAnswer := m.Method == "" && !isInitialize && sameID(m.ID, e.waitsFor)
	if isAnswer || m.Method == protocol.DidStartAuthentication.Method() {
		e.once.Do(func() { close(e.answered) })
	}
}

// served is what became of a session.
type served struct {
	status   int
	messages []message
	log      string
}

// message is one that an agent sent, member by member.
type message struct {
	body, method      string
	id, result, error json.RawMessage
}

// serveOffline lets an agent serve an editor, and checks that it ends and that
// every byte that it wrote belongs to a message.
func serveOffline(t *testing.T, dataDir string, in io.Reader, out *output) served {
	t.Helper()
	var log output
	a := agent.New(agent.Config{
		Version: "fuzz", Providers: providers.NewRegistry(offline{}), DataDir: dataDir,
		Log:         slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OpenBrowser: func(context.Context, string) error { return errors.New("there is no browser") },
	})
	ended := make(chan int, 1)
	go func() { ended <- a.Serve(t.Context(), in, out) }()
	var s served
	select {
	case s.status = <-ended:
	case <-within(t).Done():
		t.Fatalf("the agent does not end; it wrote %q", out.String())
	}
	s.log = log.String()
	for rest := bufio.NewReader(strings.NewReader(out.String())); ; {
		body, err := nextFrame(rest)
		if err == io.EOF {
			return s
		}
		if err != nil {
			t.Fatalf("%v in %q", err, out.String())
		}
		s.messages = append(s.messages, readMessage(t, body))
	}
}

// output is what many goroutines write.
type output struct {
	mu     sync.Mutex // guards buffer
	buffer bytes.Buffer
	// wrote, if set, is told of each write.
	wrote func([]byte)
}

func (o *output) Write(p []byte) (int, error) {
	if o.wrote != nil {
		o.wrote(p)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// nextFrame reads the one form in which the agent writes frames.
func nextFrame(r *bufio.Reader) (string, error) {
	header, err := r.ReadString('\n')
	if err == io.EOF && header == "" {
		return "", io.EOF
	}
	text, ok := strings.CutPrefix(strings.TrimSuffix(header, "\r\n"), "Content-Length: ")
	length, parseErr := strconv.Atoi(text)
	if blank, _ := r.ReadString('\n'); err != nil || !ok || parseErr != nil || length < 0 || blank != "\r\n" {
		return "", fmt.Errorf("no frame begins with %q, %q", header, blank)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return "", fmt.Errorf("a frame of %d bytes is cut off", length)
	}
	return string(body), nil
}

// readMessage checks that a body is a JSON-RPC 2.0 message of one kind.
func readMessage(t *testing.T, body string) message {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &members); err != nil || string(members["jsonrpc"]) != `"2.0"` {
		t.Fatalf("not a JSON-RPC 2.0 message: %s", body)
	}
	m := message{body: body, id: members["id"], result: members["result"], error: members["error"]}
	method, isCall := members["method"]
	switch {
	case isCall && (m.result != nil || m.error != nil),
		!isCall && (m.id == nil || (m.result == nil) == (m.error == nil)),
		isCall && json.Unmarshal(method, &m.method) != nil:
		t.Fatalf("neither a request, nor a notification, nor a response: %s", body)
	}
	if m.error != nil {
		checkError(t, m.error)
	}
	return m
}

// checkError checks an error against what package protocol declares.
func checkError(t *testing.T, raw json.RawMessage) {
	t.Helper()
	var e struct {
		Code    protocol.Code
		Message string
		Data    protocol.ErrorData
	}
	switch err := json.Unmarshal(raw, &e); {
	case err != nil:
		t.Errorf("%v: %s", err, raw)
	case !slices.Contains(protocol.Codes(), e.Code), e.Data.Name != e.Code.Name():
		t.Errorf("the code is not declared, or has another name: %s", raw)
	case e.Code == protocol.InternalError:
		t.Errorf("something unexpected happened: %s", raw)
	case e.Message == "", e.Message != e.Data.Message:
		t.Errorf("there is no message, or there are two: %s", raw)
	case e.Data.Hint == "" && e.Code != protocol.RequestCancelled:
		t.Errorf("there is no hint: %s", raw)
	}
}

// responses returns the answers among the messages.
func (s served) responses() (list []message) {
	for _, m := range s.messages {
		if m.method == "" {
			list = append(list, m)
		}
	}
	return list
}

// sameID compares ids as JSON does: a string may come back in another spelling, a
// number may not.
func sameID(a, b json.RawMessage) bool {
	var s, t string
	if json.Unmarshal(a, &s) == nil && json.Unmarshal(b, &t) == nil && string(a) != "null" && string(b) != "null" {
		return s == t
	}
	return string(bytes.TrimSpace(a)) == string(bytes.TrimSpace(b))
}

func frame(body string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body) }
