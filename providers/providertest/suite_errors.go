package providertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// suiteSecret is what the suite sends as credentials and in queries to servers of
// its own. No error may have it.
const suiteSecret = SecretPrefix + kindAccessToken + "-suite"

// wantError asserts an error that a person can use: with one of those codes, a
// message, a hint, and no secret in any part of it.
func wantError(t *testing.T, err error, codes ...protocol.Code) *protocol.Error {
	t.Helper()
	var e *protocol.Error
	if !errors.As(err, &e) {
		t.Errorf("got the error %v, want %s", err, codes)
		return &protocol.Error{}
	}
	wire, jsonErr := json.Marshal(e.Data())
	if jsonErr != nil {
		t.Errorf("the error cannot be sent: %v", jsonErr)
	}
	all := err.Error() + " " + string(wire)
	switch {
	case !slices.Contains(codes, e.Code):
		t.Errorf("got %s: %s; want %s", e.Code, e.Message, codes)
	case e.Message == "":
		t.Errorf("%s has no message", e.Code)
	case e.Hint == "":
		t.Errorf("%s has no hint: %s", e.Code, e.Message)
	case strings.Contains(all, SecretPrefix):
		t.Errorf("%s holds a secret", e.Code)
	}
	return e
}

// elsewhere starts a server that is not the provider's, and returns its URL.
func elsewhere(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// answering answers every request alike. Header is pairs of a name and a value.
func answering(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// endless answers every request with JSON that does not end before the client
// leaves. It keeps the most that it could send.
func endless(most *atomic.Int64) http.HandlerFunc {
	chunk := []byte(strings.Repeat("a", 1<<20))
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		n, err := fmt.Fprint(w, `{"message":"`)
		total := int64(n)
		for err == nil {
			n, err = w.Write(chunk)
			total += int64(n)
		}
		for last := most.Load(); total > last && !most.CompareAndSwap(last, total); {
			last = most.Load()
		}
	}
}

// withSecret adds the suite's secret as a provider's credentials would be.
type withSecret struct{ http.RoundTripper }

func (s withSecret) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+suiteSecret)
	return s.RoundTripper.RoundTrip(r)
}

// hostAt is the API of a host at that URL, with the suite's credentials.
func (s Suite) hostAt(t *testing.T, url string) providers.Host {
	t.Helper()
	return s.Provider.Host(url, providers.NewClient(withSecret{SuiteHost{}.transport(t)}, s.Provider.Endpoints(url).API))
}
