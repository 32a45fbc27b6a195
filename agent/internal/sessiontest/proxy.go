package sessiontest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"

	"github.com/teamcodestream/codestream-agent/protocol/script"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// A proxy finds every host at the first gitlab. So a name that nobody else knows is
// reached through it alone, and no question for a name leaves the machine.
type proxy struct {
	gitlab string // host:port
	wants  string // the value of Proxy-Authorization; "" for anyone's
}

func parseProxy(words *script.Words) setupAction {
	name := words.Word("the name")
	password := words.Next("password")
	return func(_ context.Context, s *session) error {
		g, err := s.world.gitlab("")
		if err != nil {
			return err
		}
		at, err := url.Parse(g.URL())
		if err != nil {
			return err
		}
		p := &proxy{gitlab: at.Host}
		user := url.UserPassword("proxyuser", providertest.SecretPrefix+rand.Text())
		if password {
			p.wants = "Basic " + base64.StdEncoding.EncodeToString([]byte(user.String()))
		}
		address, err := s.world.serve(p)
		s.vars[name] = "http://" + address
		s.vars[name+".host"] = address
		s.vars[name+".withPassword"] = "http://" + user.String() + "@" + address
		return err
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case p.wants != "" && r.Header.Get("Proxy-Authorization") != p.wants:
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
	case r.Method == http.MethodConnect:
		p.connect(w)
	default:
		p.forward(w, r)
	}
}

func (p *proxy) forward(w http.ResponseWriter, r *http.Request) {
	on := r.Clone(r.Context())
	on.RequestURI, on.URL.Host = "", p.gitlab
	on.Header.Del("Proxy-Authorization")
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(on)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// connect carries bytes both ways until one side ends.
func (p *proxy) connect(w http.ResponseWriter) {
	server, err := net.Dial("tcp", p.gitlab)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer server.Close()
	w.WriteHeader(http.StatusOK)
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	var both sync.WaitGroup
	defer both.Wait()
	defer client.Close()
	both.Go(func() {
		_, _ = io.Copy(server, buffered)
		server.Close()
	})
	_, _ = io.Copy(client, server)
}
