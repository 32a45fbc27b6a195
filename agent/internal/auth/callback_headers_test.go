package auth_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// wantPrivate checks that no page can embed, frame, store or read an answer.
func wantPrivate(t *testing.T, request string, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%q: the header %s is %q, want %q", beginning(request), name, got, want)
		}
	}
	if policy := h.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; ") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("%q: the policy is %q", beginning(request), policy)
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") || name == "Timing-Allow-Origin" || name == "Server" {
			t.Errorf("%q: there is a header %s", beginning(request), name)
		}
	}
}

func TestStrangersGetAnAnswerThatSaysNothing(t *testing.T) {
	w := newWorld(t, settings{})
	a := w.begin(t.Context(), w.manager(nil))
	host := hostOf(t, a)
	path := strings.TrimPrefix(a.started.RedirectURI, "http://"+host)
	state := mustQuery(t, a.started.AuthorizeURL).Get("state")
	query := "?code=glfake-code&state=" + state // right, and sent in the wrong way
	const evil = "\"><script>alert(1)</script>"
	line := func(first string, headers ...string) string {
		return first + "\r\n" + strings.Join(append([]string{"Host: " + host}, headers...), "\r\n") + "\r\n\r\n"
	}
	for request, want := range map[string]int{
		line("OPTIONS "+path+query+" HTTP/1.1", "Origin: https://evil.example", "Access-Control-Request-Method: GET",
			"Access-Control-Request-Private-Network: true"): 405,
		line("OPTIONS * HTTP/1.1", "Origin: https://evil.example"):                                                        404,
		line("GET "+path+"?code=c&state=s HTTP/1.1", "Origin: https://evil.example", "Sec-Fetch-Mode: cors"):              400,
		line("POST "+path+query+" HTTP/1.1", "Origin: null", "Content-Length: 0"):                                         405,
		line("HEAD " + path + query + " HTTP/1.1"):                                                                        405,
		line("PUT "+path+query+" HTTP/1.1", "Content-Length: 0"):                                                          405,
		line("<SCRIPT> " + path + query + " HTTP/1.1"):                                                                    400,
		line("GET "+path+query+" HTTP/1.1", "Content-Length: 4") + "body":                                                 413,
		line("GET "+path+query+" HTTP/1.1", "Transfer-Encoding: chunked") + "1\r\na\r\n0\r\n\r\n":                         413,
		line("GET " + path + "/" + query + " HTTP/1.1"):                                                                   404,
		line("GET " + strings.ToUpper(path) + query + " HTTP/1.1"):                                                        404,
		line("GET " + strings.Replace(path, "n", "%6e", 1) + query + " HTTP/1.1"):                                         404,
		line("GET /" + path + query + " HTTP/1.1"):                                                                        404,
		line("GET " + path + "/../x" + query + " HTTP/1.1"):                                                               404,
		line("GET /%3Cscript%3Ealert(1)%3C/script%3E HTTP/1.1"):                                                           404,
		line("GET " + path + "?state=%3Cscript%3E&error=%3Cscript%3E&error_description=" + "%22%3E%3Cscript%3E HTTP/1.1"): 400,
		line("GET " + path + "?result= HTTP/1.1"):                                                                         400,
		"GET " + path + query + " HTTP/1.1\r\nHost: evil.example\r\n\r\n":                                                 421,
		"GET " + path + query + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n":                                                    421,
		"GET " + path + query + " HTTP/1.1\r\nHost: " + host + ".evil.example\r\n\r\n":                                    421,
		"GET " + path + query + " HTTP/1.1\r\nHost: " + strings.Replace(host, "127.0.0.1", "localhost", 1) + "\r\n\r\n":   421,
		"GET " + path + query + " HTTP/1.1\r\nHost:\r\n\r\n":                                                              421,
		"GET http://evil.example" + path + query + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n":                              421,
		"GET " + path + query + " HTTP/1.0\r\n\r\n":                                                                       421,
		// What net/http answers by itself.
		"GET " + path + query + " HTTP/1.1\r\n\r\n":                                             400,
		"GET " + path + query + " HTTP/1.1\r\nHost: " + evil + "\r\n\r\n":                       400,
		"GET " + path + query + " HTTP/1.1\r\nHost: " + host + "\r\nHost: " + host + "\r\n\r\n": 400,
		evil + "\r\n\r\n": 400,
		line("GET "+path+query+" HTTP/1.1", "X-Big: "+strings.Repeat("<", 1<<17)): 431,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                                        421,
		line("GET "+path+query+" HTTP/1.1", "Transfer-Encoding: "+evil):           501,
	} {
		resp, body := say(t, host, request)
		if resp.StatusCode != want {
			t.Errorf("%q is answered %s, want %d", beginning(request), resp.Status, want)
		}
		if ours := resp.Header.Get("X-Frame-Options") != ""; ours {
			wantPrivate(t, request, resp.Header)
		} else if resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" || len(resp.Header) > 2 {
			t.Errorf("%q: net/http answers with the header %v", beginning(request), resp.Header)
		}
		for _, part := range []string{"<script", "alert(1)", "glfake-code", state, "evil.example"} {
			if strings.Contains(body, part) {
				t.Errorf("%q: the answer has %q:\n%s", beginning(request), part, body)
			}
		}
	}
	if err := w.approve(a); err != nil {
		t.Errorf("the sign-in has suffered: %v", err)
	}
	wantPrivate(t, "the last page", a.page.Header)
}

// A browser may try either address of localhost first.
func TestLocalhostIsServedOnBothAddresses(t *testing.T) {
	needIPv6(t)
	port := freePort(t)
	w := newWorld(t, settings{redirect: "http://localhost:" + port + "/callback"})
	m := w.manager(nil)
	a := w.begin(t.Context(), m)
	if a.started.RedirectURI != w.app.RedirectURIs[0] {
		t.Errorf("the redirect URI is %s, want %s", a.started.RedirectURI, w.app.RedirectURIs[0])
	}
	addresses := []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}
	for _, address := range addresses {
		if resp, _ := say(t, address, "GET /callback HTTP/1.1\r\nHost: localhost:"+port+"\r\n\r\n"); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("at %s a callback that is none is answered %s", address, resp.Status)
		}
	}
	if err := w.approve(a); err != nil {
		t.Error(err)
	}
	for _, address := range addresses {
		wantNobodyAt(t, "http://"+address)
	}
	for _, address := range addresses {
		taken, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.SignIn(t.Context(), w.instance(), auth.SignInOptions{})
		taken.Close()
		if e := wantInvalidRedirect(t, err); !strings.Contains(e.Message, address) {
			t.Errorf("the message does not say that %s is taken: %s", address, e.Message)
		}
		for _, free := range addresses {
			wantNobodyAt(t, "http://"+free)
		}
	}
}

func wantInvalidRedirect(t *testing.T, err error) *protocol.Error {
	t.Helper()
	known, ok := err.(*protocol.Error)
	if !ok || known.Code != protocol.InvalidRedirect || known.Hint == "" {
		t.Fatalf("the error is %v, want InvalidRedirect with a hint", err)
	}
	return known
}
