package agent

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/all"
)

// networked is an agent with network settings of the editor's.
func networked(t *testing.T, n protocol.Network) *Agent {
	t.Helper()
	a := New(Config{Providers: all.Providers(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), DataDir: t.TempDir(), KeyringOff: true})
	if _, err := a.initialize(t.Context(), protocol.InitializeParams{InitializationOptions: &protocol.InitializationOptions{Network: &n}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.session.close(t.Context()) })
	return a
}

// An instance that has only a certificate of its own goes on using the editor's
// proxy.
func TestAnInstancesNetworkIsMergedFieldByField(t *testing.T) {
	a := networked(t, protocol.Network{Proxy: "http://proxy.example.com:3128", NoProxy: "intranet"})
	a.options.Network.CAFile, a.options.Network.ClientCertFile, a.options.Network.ClientKeyFile = "ca", "cert", "key"
	for name, c := range map[string]struct{ own, want protocol.Network }{
		"nothing":     {protocol.Network{}, protocol.Network{Proxy: "http://proxy.example.com:3128", NoProxy: "intranet", CAFile: "ca", ClientCertFile: "cert", ClientKeyFile: "key"}},
		"a CA":        {protocol.Network{CAFile: "own"}, protocol.Network{Proxy: "http://proxy.example.com:3128", NoProxy: "intranet", CAFile: "own", ClientCertFile: "cert", ClientKeyFile: "key"}},
		"a proxy":     {protocol.Network{Proxy: "http://other:1"}, protocol.Network{Proxy: "http://other:1", NoProxy: "intranet", CAFile: "ca", ClientCertFile: "cert", ClientKeyFile: "key"}},
		"no proxy":    {protocol.Network{NoProxy: "*"}, protocol.Network{Proxy: "http://proxy.example.com:3128", NoProxy: "*", CAFile: "ca", ClientCertFile: "cert", ClientKeyFile: "key"}},
		"a pair":      {protocol.Network{ClientCertFile: "c", ClientKeyFile: "k"}, protocol.Network{Proxy: "http://proxy.example.com:3128", NoProxy: "intranet", CAFile: "ca", ClientCertFile: "c", ClientKeyFile: "k"}},
		"half a pair": {protocol.Network{ClientCertFile: "c"}, protocol.Network{Proxy: "http://proxy.example.com:3128", NoProxy: "intranet", CAFile: "ca", ClientCertFile: "c"}},
	} {
		if got := a.network(store.Instance{Network: c.own}); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestThePasswordOfAnInstancesProxyIsSealed(t *testing.T) {
	a := networked(t, protocol.Network{})
	const id, password = "https://gitlab.example.com", "glfake-pw-of%2Fthe-proxy"
	put := func(proxy string) {
		t.Helper()
		err := a.session.store.Update(func(tx *store.Tx) error {
			return tx.PutInstance(store.Instance{ID: id, Network: protocol.Network{Proxy: proxy}}, secret.Text{})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	wantProxy := func(want string) {
		t.Helper()
		var in store.Instance
		err := a.session.store.View(func(tx *store.Tx) (err error) {
			in, err = tx.Instance(id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if network, err := a.networkWithPassword(in); err != nil || network.Proxy != want {
			t.Errorf("the proxy is %q, %v; want %q", network.Proxy, err, want)
		}
	}
	put("http://sam:" + password + "@proxy.example.com:3128")
	wantProxy("http://sam:" + password + "@proxy.example.com:3128")
	file, err := os.ReadFile(filepath.Join(a.session.store.Dir(), "agent.db"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(file), "glfake-pw") {
		t.Error("the password lies unsealed")
	}
	if hidden := a.known.Hide("the password is glfake-pw-of/the-proxy"); strings.Contains(hidden, "glfake") {
		t.Errorf("the log says %q", hidden)
	}
	put("http://proxy.example.com:3128")
	wantProxy("http://proxy.example.com:3128")
	put("")
	wantProxy("")
}
