package sessiontest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// emptyStatus is the result of gitlabSM/status where nothing is configured.
const emptyStatus = `{"instances":[],"store":{"dataDir":"","key":"none"},"problems":[]}`

// TestMain makes the test program an agent too, for Binary.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "--stdio" {
		os.Exit(serveFake(os.Getenv("CODESTREAM_DATA_DIR"), os.Stdin, os.Stdout, os.Stderr, nil))
	}
	goleak.VerifyTestMain(m)
}

// fakeAgent is an agent that does what a test tells it, right or wrong.
type fakeAgent struct {
	dataDir string
	stderr  io.Writer
	mu      sync.Mutex // guards stdout
	stdout  io.Writer
	stays   bool // when told to exit
}

type hook func(a *fakeAgent, id, params json.RawMessage)

func fakeLauncher(hooks map[string]hook) Launcher {
	return InProcess(func(_ context.Context, dataDir string, stdin io.Reader, stdout, stderr io.Writer) int {
		return serveFake(dataDir, stdin, stdout, stderr, hooks)
	})
}

func serveFake(dataDir string, stdin io.Reader, stdout, stderr io.Writer, hooks map[string]hook) int {
	a := &fakeAgent{dataDir: dataDir, stdout: stdout, stderr: stderr}
	in := bufio.NewReader(stdin)
	shutdown := false
	for {
		body, err := readFrame(in)
		if err != nil {
			return 1
		}
		var m struct {
			ID     json.RawMessage
			Method string
			Params json.RawMessage
		}
		if json.Unmarshal(body, &m) != nil {
			a.fail(json.RawMessage("null"), protocol.ParseError, "not JSON")
			continue
		}
		if h := hooks[m.Method]; h != nil {
			if h(a, m.ID, m.Params); m.Method != "exit" {
				continue
			}
		}
		switch {
		case m.Method == "exit" && a.stays:
		case m.Method == "exit" && shutdown:
			return 0
		case m.Method == "exit":
			return 1
		case m.ID == nil || m.Method == "":
		case m.Method == "initialize":
			a.result(m.ID, `{"capabilities":{"workspace":{"workspaceFolders":{"supported":true,"changeNotifications":true}},
				"experimental":{"gitlabSM":["gitlabSM/status"]}},"serverInfo":{"name":"fake"}}`)
		case m.Method == "shutdown":
			shutdown = true
			a.result(m.ID, "null")
		case m.Method == "gitlabSM/status":
			a.result(m.ID, emptyStatus)
		default:
			a.fail(m.ID, protocol.MethodNotFound, "unknown")
		}
	}
}

func (a *fakeAgent) write(s string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, _ = io.WriteString(a.stdout, s)
}

func (a *fakeAgent) send(body string) { a.write(string(frame([]byte(body)))) }

func (a *fakeAgent) result(id json.RawMessage, result string) {
	a.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, id, result))
}

func (a *fakeAgent) fail(id json.RawMessage, code protocol.Code, message string) {
	a.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":%q,"data":{"name":%q,"message":%[3]q}}}`,
		id, code, message, code.Name()))
}

func (a *fakeAgent) notify(method, params string) {
	a.send(fmt.Sprintf(`{"jsonrpc":"2.0","method":%q,"params":%s}`, method, params))
}

func (a *fakeAgent) message(text string) {
	a.notify("window/showMessage", fmt.Sprintf(`{"type":3,"message":%q}`, text))
}

// instanceOf is the instance that a gitlabSM/configure names.
func instanceOf(params json.RawMessage) protocol.ConfigureParams {
	var p protocol.ConfigureParams
	_ = json.Unmarshal(params, &p)
	return p
}

// signIn is a sign-in that believes the browser: it shows a page for whatever
// code comes back, and signs the user in.
func signIn(page string) hook {
	return func(a *fakeAgent, id, params json.RawMessage) {
		var p struct{ Instance, ClientID string }
		_ = json.Unmarshal(params, &p)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		redirect := strings.Replace(defaultRedirect, "127.0.0.1", listener.Addr().String(), 1)
		authorize := p.Instance + "/oauth/authorize?response_type=code&scope=api&code_challenge_method=S256" +
			"&code_challenge=" + strings.Repeat("A", 43) + "&state=" + strings.Repeat("s", 24) +
			"&client_id=" + p.ClientID + "&redirect_uri=" + redirect
		a.notify("gitlabSM/didStartAuthentication", fmt.Sprintf(
			`{"instance":%q,"method":"browser","authorizeUrl":%q,"redirectUri":%q,"expiresAt":"2030-01-02T03:04:05Z"}`,
			p.Instance, authorize, redirect))
		server := &http.Server{}
		server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'none'")
			_, _ = io.WriteString(w, strings.ReplaceAll(page, "CODE", r.URL.Query().Get("code")))
			if r.URL.Query().Get("code") == "" {
				a.fail(id, protocol.SignInDenied, "denied")
			} else {
				a.result(id, fmt.Sprintf(`{"account":{"id":"1","instance":%q,"user":{"id":1,"username":"sam","name":"Sam","webUrl":%[1]q},`+
					`"method":"browser","scopes":["api"],"state":"signedIn","expiresAt":"2030-01-02T03:04:05Z"},"warnings":[]}`, p.Instance))
			}
			listener.Close()
		})
		go func() { _ = server.Serve(listener) }()
	}
}

func (a *fakeAgent) writeFile(name string, content []byte) {
	path := filepath.Join(a.dataDir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		panic(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		panic(err)
	}
}
