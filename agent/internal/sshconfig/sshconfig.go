// Package sshconfig asks the user's ssh what a host name of a git remote means:
// many are aliases that only ~/.ssh/config knows.
//
// ssh -G evaluates the configuration and connects to nobody. It does what ssh does
// when git calls it: it runs the commands of a "Match exec", and with
// CanonicalizeHostname it asks DNS. A remote comes from a repository, which may be
// hostile: only what can be a host's and a user's name is handed to ssh, and
// nothing goes through a shell. $GIT_SSH_COMMAND and core.sshCommand are left
// alone: they may name any program, with any effect.
//
// Start at [Resolver.Resolve].
package sshconfig

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/providers"
)

const (
	// defaultTimeout is how long ssh may take.
	defaultTimeout = 3 * time.Second

	// maxRunning is how many ssh may run at once.
	maxRunning = 8

	// lifetime is how long an answer is believed. Editors ask for many remotes at
	// once; and an edited configuration should soon count.
	lifetime = 30 * time.Second

	// maxKnown bounds the answers that are kept, and maxOutput one of ssh's in bytes.
	maxKnown  = 256
	maxOutput = 256 << 10

	// maxName is how long a host's or a user's name can be (RFC 1035 section 2.3.4).
	maxName = 255
)

// Resolver asks ssh, and remembers its answers for a moment. Its methods may be
// called from many goroutines.
type Resolver struct {
	// File is the configuration to read. Default: ssh's own.
	File string
	// Timeout is how long ssh may take. Default: three seconds.
	Timeout time.Duration
	Log     *slog.Logger

	mu      sync.Mutex // guards what follows
	known   map[providers.SSHHost]answer
	asking  map[providers.SSHHost]*question
	running chan struct{} // holds a place for each ssh
}

type answer struct {
	host providers.SSHHost
	ok   bool
	at   time.Time
}

// Resolve returns the host to which ssh would connect, and false where it does not
// say, or ctx ends before.
func (r *Resolver) Resolve(ctx context.Context, asked providers.SSHHost) (providers.SSHHost, bool) {
	if !isName(asked.Host, ":") || asked.User != "" && !isName(asked.User, "") || strings.Trim(asked.Port, "0123456789") != "" {
		return providers.SSHHost{}, false
	}
	r.mu.Lock()
	if a, ok := r.known[asked]; ok && time.Since(a.at) < lifetime {
		r.mu.Unlock()
		return a.host, a.ok
	}
	q := r.join(ctx, asked)
	r.mu.Unlock()
	select {
	case <-q.answered:
		return q.host, q.ok
	case <-ctx.Done():
		r.leave(asked, q)
		return providers.SSHHost{}, false
	}
}

// ask runs ssh. It waits for its turn until ctx ends.
func (r *Resolver) ask(ctx context.Context, asked providers.SSHHost) (providers.SSHHost, bool) {
	select {
	case r.running <- struct{}{}:
		defer func() { <-r.running }()
	case <-ctx.Done():
		return providers.SSHHost{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(r.Timeout, defaultTimeout))
	defer cancel()
	args := []string{"-G"}
	if r.File != "" {
		args = append(args, "-F", r.File)
	}
	if asked.User != "" {
		args = append(args, "-l", asked.User)
	}
	if asked.Port != "" {
		args = append(args, "-p", asked.Port)
	}
	cmd := exec.CommandContext(ctx, "ssh", append(args, "--", asked.Host)...)
	cmd.WaitDelay = time.Second // for what has left the group
	asGroup(cmd)
	var out bounded
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		r.Log.Debug("ssh does not say what a host means", "host", asked.Host, "error", err)
		return providers.SSHHost{}, false
	}
	return read(out.Bytes())
}

// read finds the host and the port among the lines of ssh -G.
func read(out []byte) (host providers.SSHHost, ok bool) {
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		switch name, value, _ := strings.Cut(lines.Text(), " "); name {
		case "hostname":
			host.Host = strings.ToLower(value)
		case "port":
			host.Port = value
		case "user":
			host.User = value
		}
	}
	return host, host.Host != "" && host.Port != ""
}

// isName reports whether a text can be a name, and no option or command.
func isName(name, more string) bool {
	return name != "" && len(name) <= maxName && name[0] != '-' && !strings.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-"+more, c)
	})
}

// bounded keeps the beginning of what is written to it. The buffer is not embedded:
// io.Copy would find its ReadFrom, which knows no bound.
type bounded struct{ kept bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	b.kept.Write(p[:min(len(p), maxOutput-b.kept.Len())])
	return len(p), nil
}

func (b *bounded) Bytes() []byte { return b.kept.Bytes() }
