package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// startOn starts an agent on a data directory, whose editor reads once reading is
// closed.
func startOn(t *testing.T, dir string, reading <-chan struct{}) *running {
	t.Helper()
	process := sessiontest.InProcess(func(ctx context.Context, dataDir string, stdin io.Reader, stdout, stderr io.Writer) int {
		return agent.New(config(dataDir, stderr, nil)).Serve(ctx, stdin, stdout)
	})(t, dir, nil)
	process.Stdout = &gatedReader{process.Stdout, reading}
	return connect(t, process)
}

// gatedReader reads nothing until its gate is open.
type gatedReader struct {
	io.Reader
	gate <-chan struct{}
}

func (r *gatedReader) Read(p []byte) (int, error) {
	<-r.gate
	return r.Reader.Read(p)
}

// open is a gate that holds up nobody.
func open() <-chan struct{} {
	gate := make(chan struct{})
	close(gate)
	return gate
}

// signedIn is a data directory with an account, whose token lives for ever, on
// each of the instances.
func signedIn(t *testing.T, instances ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	err := store.New(dir, store.Options{}).Update(func(tx *store.Tx) error {
		for _, id := range instances {
			err := errors.Join(
				tx.PutInstance(store.Instance{ID: id, Name: id, ClientID: "client", Scopes: []string{"api"}}, secret.Text{}),
				tx.SetVersion(id, "17.11.0", time.Now()), // so that nobody asks for it
				tx.PutAccount(store.Account{
					ID: "1", Instance: id, ClientID: "client", TokenType: "Bearer",
					User: protocol.User{ID: 1, Username: "sam", Name: "Sam"}, Method: protocol.MethodBrowser,
				}, store.Tokens{Access: secret.New("glfake-access")}),
			)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMoreRequestsThanTheAgentTakes(t *testing.T) {
	const sent, limit = 1200, 1000
	release := make(chan struct{})
	gitlab := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer gitlab.Close()
	defer close(release)
	r := start(t, nil).initialize(nil)

	// All that come after it wait for the answer of the first.
	if err := r.Request(json.RawMessage(`"first"`), protocol.Configure.Method(), protocol.ConfigureParams{URL: gitlab.URL}); err != nil {
		t.Fatal(err)
	}
	for i := range sent {
		if err := r.Request(json.RawMessage(strconv.Itoa(1000+i)), protocol.Status.Method(), nil); err != nil {
			t.Fatal(err)
		}
	}
	// Those that are too many are answered at once, and the others once they can be.
	last, err := r.Response(within(t), json.RawMessage(strconv.Itoa(1000+sent-1)))
	if err != nil {
		t.Fatal(err)
	}
	var refusal protocol.ErrorData
	if last.Error == nil || json.Unmarshal(last.Error.Data, &refusal) != nil || refusal.Name != protocol.RateLimited.Name() ||
		refusal.RetryAfterSeconds != 1 || !strings.Contains(refusal.Message, strconv.Itoa(limit)) || refusal.Hint == "" {
		t.Errorf("the last request is answered %+v, want RateLimited with the limit", last)
	}
	r.notify(protocol.CancelRequest.Method(), protocol.CancelParams{ID: json.RawMessage(`"first"`)})
	refused := 0
	for i := range sent {
		answer, err := r.Response(within(t), json.RawMessage(strconv.Itoa(1000+i)))
		if err != nil {
			t.Fatalf("request %d is not answered: %v", i, err)
		}
		if answer.Error != nil {
			refused++
		}
	}
	if refused != sent-limit+1 {
		t.Errorf("%d of %d requests were refused, want %d", refused, sent, sent-limit+1)
	}
	if ids := r.instances(); len(ids) != 0 {
		t.Errorf("the instances are %q", ids)
	}
}

func TestAnEditorThatDoesNotReadHoldsUpNobody(t *testing.T) {
	const answers = 20 // of a mebibyte each, which is more than may wait
	big := `"` + strings.Repeat("x", 1<<20) + `"`
	served := make(chan struct{}, answers)
	gitlab := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, big)
		served <- struct{}{}
	}))
	defer gitlab.Close()
	dir := signedIn(t, gitlab.URL)
	reading := make(chan struct{})
	stuck, other := startOn(t, dir, reading), startOn(t, dir, open())

	never := false
	if err := errors.Join(
		stuck.Request(json.RawMessage("1"), protocol.Initialize.Method(), map[string]any{"processId": nil, "capabilities": map[string]any{}}),
		stuck.Notify(protocol.Initialized.Method(), struct{}{}),
	); err != nil {
		t.Fatal(err)
	}
	for i := range answers {
		if err := stuck.Request(json.RawMessage(strconv.Itoa(10+i)), protocol.CallAPI.Method(), protocol.CallAPIParams{Instance: gitlab.URL, Path: "/big"}); err != nil {
			t.Fatal(err)
		}
	}
	for range answers {
		select {
		case <-served:
		case <-within(t).Done():
			t.Fatal("the calls are not made")
		}
	}
	// It goes on working for its editor, and the other window sees what it does.
	if err := stuck.Request(json.RawMessage("2"), protocol.Configure.Method(), protocol.ConfigureParams{URL: here, ClientID: "client", Verify: &never}); err != nil {
		t.Fatal(err)
	}
	other.initialize(nil)
	for len(other.instances()) < 2 {
		if _, err := other.Next(within(t), protocol.DidChangeInstances.Method()); err != nil {
			t.Fatal(err)
		}
	}
	other.call(protocol.Disconnect.Method(), map[string]any{"instance": gitlab.URL, "revoke": false}, nil)
	other.configure(there)

	close(reading)
	for i := range answers {
		answer, err := stuck.Response(within(t), json.RawMessage(strconv.Itoa(10+i)))
		if err != nil {
			t.Fatalf("answer %d has not come: %v", i, err)
		}
		if answer.Error != nil {
			t.Errorf("answer %d is %s", i, answer.Error.Data)
		}
	}
	for told := 0; told < 3; {
		m, err := stuck.Next(within(t), protocol.DidChangeInstances.Method())
		if err != nil {
			t.Fatalf("what happened meanwhile was not told: %v", err)
		}
		var params protocol.DidChangeInstancesParams
		if err := json.Unmarshal(m.Params, &params); err != nil {
			t.Fatal(err)
		}
		told = len(params.Instances)
	}
}

func TestAnEditorThatAnswersNothingIsAskedNoMore(t *testing.T) {
	const questions = 32
	opened := make(chan string, 1)
	r := start(t, func(c *agent.Config) {
		c.OpenBrowser = func(_ context.Context, url string) error { opened <- url; return nil }
	})
	r.Answer(protocol.ShowDocument.Method(), sessiontest.ByHand)
	r.initialize(map[string]any{"capabilities": map[string]any{"window": map[string]any{"showDocument": map[string]any{"support": true}}}})
	r.configure(here)
	for range questions { // each takes the place of the one before
		if err := r.Request(json.RawMessage(`"sign-in `+strconv.Itoa(len(r.Messages()))+`"`), protocol.Authenticate.Method(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(within(t), protocol.ShowDocument.Method()); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Request(json.RawMessage(`"last"`), protocol.Authenticate.Method(), nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-opened: // from here, since the editor does not
	case <-within(t).Done():
		t.Fatal("nobody opens the browser")
	}
	cancelled := 0
	for range questions {
		if _, err := r.Next(within(t), protocol.CancelRequest.Method()); err != nil {
			t.Fatalf("%d of %d questions were taken back: %v", cancelled, questions, err)
		}
		cancelled++
	}
}

// An editor that sends and does not read is heard when it ends.
func TestTheEndIsHeardOfAnEditorThatDoesNotRead(t *testing.T) {
	const refusals = 420 // more than may wait, with the method's name in each of them twice
	reading := make(chan struct{})
	defer close(reading)
	r := startOn(t, filepath.Join(t.TempDir(), "data"), reading)
	frame := []byte(`{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", 20<<10) + `"}`)
	for range refusals {
		if err := r.Frame(frame); err != nil {
			t.Fatal(err)
		}
	}
	r.CloseStdin()
	ended := make(chan int, 1)
	go func() { ended <- r.Wait() }()
	select {
	case <-ended:
	case <-within(t).Done():
		t.Fatal("the agent does not end")
	}
}
