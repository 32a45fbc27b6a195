package providers_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// socks serves SOCKS5 (RFC 1928) without authentication: it answers each
// connection with reply, and where that is 0 it connects to target.
func socks(t *testing.T, target string, reply byte, names chan<- string) string {
	return providertest.Listen(t, func(c net.Conn) {
		buffer := make([]byte, 300)
		if _, err := io.ReadFull(c, buffer[:2]); err != nil {
			return
		}
		_, _ = io.ReadFull(c, buffer[:buffer[1]])
		_, _ = c.Write([]byte{5, 0})
		if _, err := io.ReadFull(c, buffer[:5]); err != nil || buffer[3] != 3 {
			return // not a name
		}
		name := make([]byte, int(buffer[4])+2)
		_, _ = io.ReadFull(c, name)
		host, port := name[:len(name)-2], binary.BigEndian.Uint16(name[len(name)-2:])
		names <- fmt.Sprintf("%s:%d", host, port)
		_, _ = c.Write([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0})
		if reply == 0 {
			pipe(c, c, target)
		}
	})
}

func TestSOCKSProxy(t *testing.T) {
	environment(t, nil)
	server := httptest.NewServer(http.HandlerFunc(hello))
	defer server.Close()
	names := make(chan string, 1)
	address := socks(t, server.Listener.Addr().String(), 0, names)
	c := client(t, protocol.Network{Proxy: "socks5://" + address})
	if body, err := get(t, c, "http://gitlab.test"); err != nil || body != "hello" {
		t.Errorf("got %q, %v", body, err)
	}
	if name := <-names; name != "gitlab.test:80" {
		t.Errorf("the proxy was asked for %s", name)
	}

	address = socks(t, "", 5, names)
	err := exchange(t.Context(), client(t, protocol.Network{Proxy: "socks5://" + address}), "http://gitlab.test")
	wantUnreachable(t, err, "http://gitlab.test", "proxy", "the proxy cannot connect to it")
}

// A SOCKS proxy that wants a password (RFC 1929), without one, with a wrong one, and
// with the right one.
func TestSOCKSProxyWithAPassword(t *testing.T) {
	environment(t, nil)
	server := httptest.NewServer(http.HandlerFunc(hello))
	defer server.Close()
	address := providertest.Listen(t, func(c net.Conn) {
		buffer := make([]byte, 300)
		n, _ := c.Read(buffer)
		if !bytes.Contains(buffer[2:n], []byte{2}) {
			_, _ = c.Write([]byte{5, 0xff})
			return
		}
		_, _ = c.Write([]byte{5, 2})
		n, _ = c.Read(buffer)
		if string(buffer[:n]) != "\x01\x03sam\x09glfake-pw" {
			_, _ = c.Write([]byte{1, 1})
			return
		}
		_, _ = c.Write([]byte{1, 0})
		_, _ = c.Read(buffer)
		_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		pipe(c, c, server.Listener.Addr().String())
	})
	const url = "http://gitlab.test"
	none := exchange(t.Context(), client(t, protocol.Network{Proxy: "socks5://" + address}), url)
	wantUnreachable(t, none, url, "proxyAuthentication", "the proxy wants a user and a password")
	wrong := exchange(t.Context(), client(t, protocol.Network{Proxy: "socks5://sam:glfake-no@" + address}), url)
	wantUnreachable(t, wrong, url, "proxyAuthentication", "the proxy does not accept the user and the password")
	if err := exchange(t.Context(), client(t, protocol.Network{Proxy: "socks5://sam:glfake-pw@" + address}), url); err != nil {
		t.Error(err)
	}
}
