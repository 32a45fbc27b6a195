package agent_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// lockable is a keyring that the user can lock.
type lockable struct {
	mu     sync.Mutex // guards what follows
	held   map[string][]byte
	locked bool
}

var errKeyringLocked = errors.New("the keyring is locked")

func (k *lockable) lock(locked bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.locked = locked
}

func (k *lockable) Get(id string) ([]byte, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.locked {
		return nil, false, errKeyringLocked
	}
	value, found := k.held[id]
	return value, found, nil
}

func (k *lockable) Set(id string, value []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.locked {
		return errKeyringLocked
	}
	k.held[id] = value
	return nil
}

func (k *lockable) Delete(id string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, id)
	return nil
}

const proxyPassword = "glfake-password of the proxy"

// repeatingProxy is a proxy whose page repeats what it was sent, in GitLab's form.
func repeatingProxy(t *testing.T) (host string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := r.Header.Get("Proxy-Authorization")
		plain, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(sent, "Basic "))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": "you sent " + sent + ", which is " + string(plain)})
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// wantNoPassword looks for the proxy's password, and its forms, in all that came out.
func (r *running) wantNoPassword() {
	r.t.Helper()
	out := r.Stderr()
	for _, m := range r.Messages() {
		out += string(m.Raw)
	}
	user := base64.StdEncoding.EncodeToString([]byte("sam:" + proxyPassword))
	for _, secret := range []string{proxyPassword, "glfake-", user} {
		if strings.Contains(out, secret) {
			r.t.Errorf("the password for the proxy has leaked: %q is in\n%s", secret, out)
		}
	}
}

// Wherever the proxy's password is set, no error and no log shows it, though a proxy
// repeats it.
func TestAProxysPasswordIsHidden(t *testing.T) {
	proxy := "http://sam:glfake-password%20of%20the%20proxy@" + repeatingProxy(t)
	const url = "http://gitlab.test"
	for name, c := range map[string]struct {
		variable string
		options  map[string]any
		network  *protocol.Network
	}{
		"the environment":   {variable: proxy},
		"initialize":        {options: map[string]any{"network": map[string]any{"proxy": proxy}}},
		"the instance":      {network: &protocol.Network{Proxy: proxy}},
		"which is unusable": {options: map[string]any{"network": map[string]any{"proxy": proxy, "caFile": "/does/not/exist.pem"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("http_proxy", "")
			t.Setenv("HTTP_PROXY", c.variable)
			t.Setenv("NO_PROXY", "")
			r := start(t, nil)
			params := map[string]any{"processId": nil, "capabilities": map[string]any{}, "trace": "verbose", "initializationOptions": c.options}
			err := r.Call(within(t), protocol.Initialize.Method(), params, nil)
			if name == "which is unusable" {
				refusal(t, err, protocol.InvalidParams)
				r.wantNoPassword()
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r.notify(protocol.Initialized.Method(), struct{}{})
			no := false
			configure := protocol.ConfigureParams{URL: url, AllowHTTP: true, Network: c.network, Verify: &no}
			r.call(protocol.Configure.Method(), configure, nil)
			err = r.Call(within(t), protocol.Authenticate.Method(), protocol.AuthenticateParams{Method: protocol.MethodToken, Token: "glpat-0123456789"}, nil)
			if err == nil || !strings.Contains(err.Error(), "you sent") {
				t.Errorf("the error is %v, want what the proxy said", err)
			}
			r.wantNoPassword()
		})
	}
}

// A locked keyring is the user's to unlock, and nothing goes to the proxy without
// its password meanwhile.
func TestAProxysPasswordInALockedKeyring(t *testing.T) {
	keyring := &lockable{held: map[string][]byte{}}
	dir := t.TempDir()
	open := func() *running {
		r := start(t, func(c *agent.Config) { c.DataDir, c.Keyring, c.KeyringOff = dir, keyring, false })
		return r.initialize(nil)
	}
	no := false
	r := open()
	r.call(protocol.Configure.Method(), protocol.ConfigureParams{
		URL: "http://gitlab.test", AllowHTTP: true, Verify: &no,
		Network: &protocol.Network{Proxy: "http://sam:glfake-password%20of%20the%20proxy@" + repeatingProxy(t)},
	}, nil)

	keyring.lock(true)
	r = open()
	params := protocol.AuthenticateParams{Method: protocol.MethodToken, Token: "glpat-0123456789"}
	err := r.Call(within(t), protocol.Authenticate.Method(), params, nil)
	data := refusal(t, err, protocol.HostUnreachable)
	if data.Details == nil || data.Details.Cause != protocol.CauseKeyLocked || !strings.Contains(data.Hint, "Unlock the keyring") || data.Instance != "http://gitlab.test" {
		t.Errorf("the error is %+v with the details %+v", data, data.Details)
	}
	keyring.lock(false)
	if err := r.Call(within(t), protocol.Authenticate.Method(), params, nil); err == nil || !strings.Contains(err.Error(), "you sent") {
		t.Errorf("after unlocking: %v, want what the proxy said", err)
	}
	r.wantNoPassword()
}
