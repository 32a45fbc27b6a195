package relay

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// exchangeTimeout bounds a request, from its first byte to the answer's last.
	exchangeTimeout = 10 * time.Second
	// idleTimeout is how long a load balancer may keep a connection for the next
	// request.
	idleTimeout = 2 * time.Minute
	// stopTimeout is how long what is under way has to end.
	stopTimeout = 10 * time.Second
	// maxHeader bounds a request's header in bytes.
	maxHeader = 64 << 10
)

// Config says how a relay serves.
type Config struct {
	// Path is the redirect URI's. Default: [DefaultPath].
	Path string
	// CertFile and KeyFile are PEM files, read again when they have changed. Without
	// them the relay speaks plain http, to a proxy before it that speaks TLS.
	CertFile, KeyFile string
	// Log has a line a request: never its query, in which the code is.
	Log *slog.Logger
}

// Serve answers at a listener, which it closes, until ctx ends; what is under way
// then has ten seconds to end.
func Serve(ctx context.Context, listener net.Listener, c Config) error {
	server := &http.Server{
		Handler:           logged(Handler(c.Path), c.Log),
		ReadHeaderTimeout: exchangeTimeout, ReadTimeout: exchangeTimeout, WriteTimeout: exchangeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	if c.CertFile != "" {
		pair := &keyPair{certFile: c.CertFile, keyFile: c.KeyFile, log: c.Log}
		if _, err := pair.get(nil); err != nil {
			listener.Close()
			return err
		}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get}
	}
	stopped := make(chan error, 1)
	unhook := context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		c.Log.Info("the relay stops")
		stopped <- server.Shutdown(ending)
	})
	c.Log.Info("the relay serves", "address", listener.Addr().String(), "path", c.Path, "tls", c.CertFile != "")
	var err error
	if server.TLSConfig != nil {
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return <-stopped
	}
	unhook()
	return err
}

// logged logs each request without its query.
func logged(inner http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, answer := time.Now(), &statusWriter{ResponseWriter: w, status: http.StatusOK}
		id := rand.Text()
		w.Header().Set("X-Request-Id", id)
		inner.ServeHTTP(answer, r)
		level := slog.LevelInfo
		if r.URL.Path == HealthPath {
			level = slog.LevelDebug
		}
		log.Log(r.Context(), level, "request", "id", id, "client", r.RemoteAddr, "method", r.Method, "path", shorten(r.URL.Path),
			"status", answer.status, "took", time.Since(began).Round(time.Microsecond).String())
	})
}

// shorten bounds what a stranger can write into the log.
func shorten(path string) string { return path[:min(len(path), 200)] }

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
