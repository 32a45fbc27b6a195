package providers_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// logOf makes a request through transports that log, and returns the lines.
func logOf(t *testing.T, level slog.Level, address string) string {
	t.Helper()
	var out bytes.Buffer
	transports := providers.Transports{Log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))}
	defer transports.CloseIdle()
	transport, err := transports.Get(protocol.Network{})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader("token=glfake-1"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer glfake-2")
	if resp, err := transport.RoundTrip(req); err == nil {
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Error(err)
		}
		resp.Body.Close()
		resp.Body.Close() // as a careful caller may, once more
	}
	return out.String()
}

func TestAnExchangeIsLoggedWithoutWhatItCarries(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "01ABC"+strings.Repeat("Z", 100))
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "glfake-3")
	}))
	defer server.Close()
	address := strings.Replace(server.URL, "://", "://sam:glfake-4@", 1) + "/api/v4/a%2Fb?page=glfake-5&b=glfake-6&page=c#glfake-7"
	line := logOf(t, slog.LevelDebug, address)
	for _, part := range []string{
		"level=DEBUG", "method=POST", server.URL + "/api/v4/a%2Fb?b&page ", "status=418", "took=", "bytes=8", "requestId=01ABC" + strings.Repeat("Z", 59) + "…\n",
	} {
		if !strings.Contains(line, part) {
			t.Errorf("the line lacks %q: %s", part, line)
		}
	}
	if strings.Contains(line, "glfake") || strings.Count(line, "\n") != 1 {
		t.Errorf("the log is %s", line)
	}
	if line := logOf(t, slog.LevelInfo, address); line != "" {
		t.Errorf("at the level info the log is %s", line)
	}
}

func TestAnExchangeThatFailsIsLogged(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	line := logOf(t, slog.LevelDebug, server.URL+"/a?b=glfake-1")
	if !strings.Contains(line, "failed") || !strings.Contains(line, server.URL+"/a?b ") || !strings.Contains(line, "error=") || strings.Contains(line, "glfake") {
		t.Errorf("the log is %s", line)
	}
}
