package auth

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// readPage reads the page as it comes, and looks who is still there.
type readPage struct {
	*httptest.ResponseRecorder
	address string
	there   bool
}

func (p *readPage) Write(b []byte) (int, error) {
	if conn, err := net.Dial("tcp", p.address); err == nil {
		p.there = true
		conn.Close()
	}
	return p.ResponseRecorder.Write(b)
}

// TestNobodyIsThereOnceThePageIs: who has seen the page and comes again is not told
// that the callback was used.
func TestNobodyIsThereOnceThePageIs(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	c := serveCallback([]net.Listener{listener}, &signIn{local: &url.URL{Scheme: "http", Host: address, Path: "/callback"}})
	defer c.server.Close()
	c.conclude(outcome{})
	page := &readPage{httptest.NewRecorder(), address, false}
	c.show(page, httptest.NewRequest(http.MethodGet, "/callback?"+c.result, nil))
	if page.Code != http.StatusOK || page.there {
		t.Errorf("the page has the status %d, and while it comes somebody else is let in: %t", page.Code, page.there)
	}
}
