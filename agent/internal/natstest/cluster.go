package natstest

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/teamcodestream/codestream-agent/agent/internal/freeport"
)

// The servers of a cluster say to each other who they are.
const (
	routeUser     = "route"
	routePassword = SecretPrefix + "-route-password"
)

// A Cluster is three servers, each of which may be down.
type Cluster [3]*Server

// StartCluster starts three servers that keep all they have in directories below
// dir. JetStream is ready once they have elected a leader, which takes a moment
// longer.
func StartCluster(dir string, o Options) (c Cluster, err error) {
	var routes []string
	for i := range c {
		port, err := freeport.Find()
		if err != nil {
			return c, err
		}
		if c[i], err = place(filepath.Join(dir, fmt.Sprint("registry-", i+1))); err != nil {
			return c, err
		}
		c[i].route = "127.0.0.1:" + port
		routes = append(routes, "nats://"+routeUser+":"+routePassword+"@"+c[i].route)
	}
	var tls string
	if o.CAFile != "" {
		tls = fmt.Sprintf("tls { cert_file: %q, key_file: %q, ca_file: %q }", o.CertFile, o.KeyFile, o.CAFile)
	}
	for _, s := range c {
		err = errors.Join(err, s.configure(o, fmt.Sprintf(`cluster {
  name: registry
  listen: %q
  authorization { user: %s, password: %q }
  routes: [ %s ]
  %s
}
`, s.route, routeUser, routePassword, strings.Join(routes, ", "), tls)))
		if err == nil {
			err = s.launch() // a server is ready only once it knows the others
		}
	}
	for _, s := range c {
		if err == nil {
			err = s.await()
		}
	}
	return c, err
}

// URL is what clients are told: all three.
func (c Cluster) URL() string {
	var urls []string
	for _, s := range c {
		urls = append(urls, s.URL)
	}
	return strings.Join(urls, ",")
}

// Kill ends all servers that are up.
func (c Cluster) Kill() (err error) {
	for _, s := range c {
		if s != nil {
			err = errors.Join(err, s.Kill())
		}
	}
	return err
}
