package providers_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// exchange asks for url and returns the error as TransportError tells it.
func exchange(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, "GET", url+"/path?private_token=glfake-query", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	return providers.TransportError(err, url)
}

// client is the client that the agent has for these settings.
func client(t *testing.T, n protocol.Network) *http.Client {
	t.Helper()
	var transports providers.Transports
	transport, err := transports.Get(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transports.CloseIdle)
	return providers.NewClient(transport, "")
}

// wantUnreachable asserts HostUnreachable with that cause and those words.
func wantUnreachable(t *testing.T, err error, address, cause, words string) {
	t.Helper()
	e := wantError(t, err, protocol.HostUnreachable, address)
	if e.Details == nil || e.Details.Cause != cause || !strings.Contains(e.Message, words) || e.Details.Text == "" {
		t.Errorf("got %q with the details %+v; want the cause %s, and %q", e.Message, e.Details, cause, words)
	}
}

func wantError(t *testing.T, err error, code protocol.Code, instance string) *protocol.Error {
	t.Helper()
	var e *protocol.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("got %v, want %s", err, code)
		return &protocol.Error{}
	}
	if e.Hint == "" || e.Instance != instance {
		t.Errorf("about %q, with the hint %q: %v", e.Instance, e.Hint, err)
	}
	if text := fmt.Sprint(e.Message, e.Hint, e.Details); strings.Contains(text, "glfake-") {
		t.Errorf("the error holds a secret: %s", text)
	}
	return e
}

func TestNothingListens(t *testing.T) {
	ended := make(chan struct{})
	conn, err := net.Dial("tcp", providertest.Listen(t, func(net.Conn) { <-ended }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	defer close(ended)
	address := conn.LocalAddr().String() // where nobody else can listen meanwhile
	for _, url := range []string{"http://" + address, "https://" + address} {
		wantUnreachable(t, exchange(t.Context(), client(t, protocol.Network{}), url), url, "refused", "nothing listens")
	}
}

// nameServer asks a name server of this test: no query leaves the machine. Every
// name has that IPv4 address; without one no name exists.
func nameServer(t *testing.T, address net.IP) *net.Resolver {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for buffer := make([]byte, 1500); ; {
			n, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = socket.WriteTo(resolve(buffer[:n], address.To4()), from)
		}
	}()
	t.Cleanup(func() {
		socket.Close()
		<-ended
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
}

// resolve makes the answer to a query (RFC 1035, section 4).
func resolve(query []byte, address net.IP) []byte {
	end := 12 // of the header; the question is labels, a type and a class
	for end < len(query)-5 && query[end] != 0 {
		end += 1 + int(query[end])
	}
	answer := append([]byte{}, query[:end+5]...)
	header, isA := []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[end+2] == 1
	switch {
	case address == nil:
		header[1] = 0x83 // the name does not exist
	case isA:
		header[5] = 1 // one answer: the name above, A, IN, for ever, four bytes
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0xff, 0xff, 0, 4)
		answer = append(answer, address...)
	}
	copy(answer[2:12], header)
	return answer
}

func TestUnknownName(t *testing.T) {
	dialer := &net.Dialer{Resolver: nameServer(t, nil)}
	c := providers.NewClient(&http.Transport{DialContext: dialer.DialContext}, "")
	const url = "https://gitlab.invalid"
	wantUnreachable(t, exchange(t.Context(), c, url), url, "dns", "the name gitlab.invalid is not known here")

	slow := &net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", Name: "gitlab.invalid", IsTimeout: true}}
	wantUnreachable(t, providers.TransportError(slow, url), url, "timeout", "in time")
	broken := &net.OpError{Op: "dial", Err: &net.DNSError{Err: "server misbehaving", Name: "gitlab.invalid", IsTemporary: true}}
	wantUnreachable(t, providers.TransportError(broken, url), url, "dns", "no name server tells the address of gitlab.invalid")
}

func TestSilence(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body/path" {
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}))
	defer server.Close()
	impatient := client(t, protocol.Network{})
	impatient.Timeout = 20 * time.Millisecond
	wantUnreachable(t, exchange(t.Context(), impatient, server.URL), server.URL, "timeout", "in time")
	body := server.URL + "/body"
	wantUnreachable(t, exchange(t.Context(), impatient, body), body, "timeout", "in time")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantUnreachable(t, exchange(ctx, client(t, protocol.Network{}), server.URL), server.URL, "timeout", "in time")
}

func TestConnectionIsCut(t *testing.T) {
	for name, send := range map[string]string{
		"at once":          "",
		"within a header":  "HTTP/1.1 200 OK\r\nContent-Le",
		"within the body":  "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234",
		"with nonsense":    "220 mail.example.com ESMTP\r\n",
		"within its chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx",
	} {
		t.Run(name, func(t *testing.T) {
			url := "http://" + providertest.Listen(t, func(c net.Conn) {
				if _, err := c.Read(make([]byte, 4096)); err == nil {
					_, _ = io.WriteString(c, send)
				}
			})
			wantUnreachable(t, exchange(t.Context(), client(t, protocol.Network{}), url), url, "connection", "broke")
		})
	}
	t.Run("by a reset", func(t *testing.T) {
		url := "http://" + providertest.Listen(t, func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) })
		wantUnreachable(t, exchange(t.Context(), client(t, protocol.Network{}), url), url, "reset", "cut off")
	})
}

// A server that takes the connection and says nothing, in each stage.
func TestPatienceEndsInEachStage(t *testing.T) {
	silent := providertest.Listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	transport := &http.Transport{TLSHandshakeTimeout: time.Millisecond}
	defer transport.CloseIdleConnections()
	url := "https://" + silent
	wantUnreachable(t, exchange(t.Context(), providers.NewClient(transport, ""), url), url, "timeout", "does not begin TLS in time")
	url = "http://" + silent
	transport.ResponseHeaderTimeout = time.Millisecond
	wantUnreachable(t, exchange(t.Context(), providers.NewClient(transport, ""), url), url, "timeout", "does not answer in time")
	dial := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	wantUnreachable(t, providers.TransportError(dial, url), url, "timeout", "no connection comes about in time")
}

// Who asks a server in plain http that wants TLS is told to write https.
func TestServerThatSpeaksTLSOnly(t *testing.T) {
	server := secure(t, &tls.Config{Certificates: []tls.Certificate{newAuthority(t).issue(template("gitlab.test"))}}, hello)
	plain := "http" + strings.TrimPrefix(server.URL, "https")
	resp, err := client(t, protocol.Network{}).Get(plain)
	if err != nil {
		t.Fatal(err)
	}
	body, _, err := providers.ReadBody(resp, 1<<10)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	wantUnreachable(t, providers.ServerError(plain, resp.StatusCode, resp.Header, body), plain, "tls", "speaks https at this port")

	alerting := "http://" + providertest.Listen(t, func(c net.Conn) {
		if _, err := c.Read(make([]byte, 4096)); err == nil {
			_, _ = c.Write([]byte{0x15, 3, 1, 0, 2, 2, 0x46}) // as OpenSSL's s_server does
		}
	})
	wantUnreachable(t, exchange(t.Context(), client(t, protocol.Network{}), alerting), alerting, "tls", "speaks https at this port")
}

func TestServerThatDoesNotSpeakTLS(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(hello))
	defer plain.Close()
	mail := providertest.Listen(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "220 mail.example.com ESMTP\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	for _, url := range []string{"https" + strings.TrimPrefix(plain.URL, "http"), "https://" + mail} {
		wantUnreachable(t, exchange(t.Context(), client(t, protocol.Network{}), url), url, "tls", "does not speak TLS")
	}
}

func TestErrorsThatAreKnownAlready(t *testing.T) {
	known := &protocol.Error{Code: protocol.SignInRequired, Message: "m"}
	for _, err := range []error{known, &url.Error{Op: "Get", URL: "x", Err: known}, fmt.Errorf("%w", known)} {
		if got := providers.TransportError(err, "https://x"); got != error(known) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if got := providers.TransportError(nil, "https://x"); got != nil {
		t.Errorf("nothing became %v", got)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if got := exchange(cancelled, client(t, protocol.Network{}), "http://127.0.0.1:1"); got != context.Canceled {
		t.Errorf("a cancelled request became %v", got)
	}
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	if got := providers.TransportError(refused, "https://x"); !errors.Is(got, protocol.HostUnreachable) || !errors.Is(got, syscall.ECONNREFUSED) {
		t.Errorf("the cause is lost: %v", got)
	}
}
