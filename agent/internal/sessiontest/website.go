package sessiontest

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// A website is not GitLab: it has a page, or sends on to another.
type website struct {
	to     string // where it redirects
	status int
}

func parseWebsite(words *script.Words) setupAction {
	name := words.Word("the name")
	site := website{status: http.StatusOK}
	switch {
	case words.Next("redirects"):
		site.status, site.to = http.StatusFound, words.Word("where to")
	case words.Next("status"):
		site.status = words.Number("the status")
	}
	return func(_ context.Context, s *session) error {
		address, err := s.world.serve(site)
		s.vars[name] = "http://" + address
		return err
	}
}

func (site website) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if site.to != "" {
		w.Header().Set("Location", site.to)
	}
	w.WriteHeader(site.status)
	_, _ = io.WriteString(w, "<!DOCTYPE html><title>Welcome</title><h1>Please sign in to the intranet</h1>")
}

// serve starts a web server on loopback that ends with the world, and with it all
// connections that were taken over.
func (w *world) serve(handler http.Handler) (address string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	var handling sync.WaitGroup
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		handling.Add(1)
		defer handling.Done()
		handler.ServeHTTP(rw, r)
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	w.closers = append(w.closers, func() {
		_ = server.Close()
		<-served
		handling.Wait()
	})
	return listener.Addr().String(), nil
}
