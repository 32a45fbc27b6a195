package natstest

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/teamcodestream/codestream-agent/agent/internal/freeport"
)

// SecretPrefix begins all secrets of this package, so that one search finds any.
const SecretPrefix = "natstest-secret"

// patience bounds the start of a server, and its end.
const patience = 20 * time.Second

// Options say what kind of server starts.
type Options struct {
	// CertFile and KeyFile make the server demand TLS. Default: none.
	CertFile, KeyFile string
	// CAFile is what the servers of a cluster know each other by. Default: no TLS there.
	CAFile string
	// Operator puts an [Operator] into the bucket's account, as the documented
	// configuration says.
	Operator bool
	// Consumers bounds how many there can be at a time. Default: as documented.
	Consumers int
}

// A Server is a nats-server on loopback, which may be down.
type Server struct {
	// URL is where clients find it.
	URL string

	dir, address string
	route        string    // where the others of its cluster find it
	process      *exec.Cmd // nil while it is down
	output       *os.File
}

// Start starts a server that keeps all it has in a directory, which is empty.
func Start(dir string, o Options) (*Server, error) {
	s, err := place(dir)
	if err != nil {
		return nil, err
	}
	if err := s.configure(o, ""); err != nil {
		return nil, err
	}
	return s, s.Up()
}

// place finds a port for a server.
func place(dir string) (*Server, error) {
	port, err := freeport.Find()
	if err != nil {
		return nil, err
	}
	address := "127.0.0.1:" + port
	return &Server{URL: "nats://" + address, dir: dir, address: address}, nil
}

// configure puts the documented configuration into the server's directory, and
// beside it what is this server's own.
func (s *Server) configure(o Options, more string) error {
	own := fmt.Sprintf("server_name: %q\nlisten: %q\nDATA_DIR: %q\n", filepath.Base(s.dir), s.address, filepath.Join(s.dir, "data"))
	if o.CertFile != "" {
		own += fmt.Sprintf("tls { cert_file: %q, key_file: %q }\n", o.CertFile, o.KeyFile)
		s.URL = "tls://" + s.address
	}
	source, err := data()
	if err != nil {
		return err
	}
	documented, err := os.ReadFile(filepath.Join(source, "registry.conf"))
	if err != nil {
		return err
	}
	if documented, err = o.change(documented); err != nil {
		return err
	}
	var passwords string
	for _, role := range []Role{Maintainer, Member} {
		hash, err := bcrypt.GenerateFromPassword([]byte(role.password()), bcrypt.MinCost)
		if err != nil {
			return err
		}
		passwords += fmt.Sprintf("%s_PASSWORD: %q\n", strings.ToUpper(string(role)), hash)
	}
	return errors.Join(
		os.MkdirAll(s.dir, 0o700),
		os.WriteFile(filepath.Join(s.dir, "registry.conf"), documented, 0o600),
		os.WriteFile(filepath.Join(s.dir, "passwords.conf"), []byte(passwords), 0o600),
		os.WriteFile(filepath.Join(s.dir, "server.conf"), []byte(own+more), 0o600),
	)
}

// change puts into the documented configuration what its comments have to be put there.
func (o Options) change(documented []byte) ([]byte, error) {
	changes := map[string]string{}
	if o.Operator {
		changes[`# users: [ { user: operator, password: "$2a$11$…" } ]`] = fmt.Sprintf("users: [ { user: %s, password: %q } ]", Operator, Operator.password())
	}
	if o.Consumers != 0 {
		changes["max_consumers: 10000"] = fmt.Sprint("max_consumers: ", o.Consumers)
	}
	for before, after := range changes {
		if !bytes.Contains(documented, []byte(before)) {
			return nil, fmt.Errorf("registry.conf has no %q any more", before)
		}
		documented = bytes.Replace(documented, []byte(before), []byte(after), 1)
	}
	return documented, nil
}

// Up starts a server that is down, and waits until it says that it is ready.
func (s *Server) Up() error {
	if err := s.launch(); err != nil {
		return err
	}
	return s.await()
}

func (s *Server) launch() error {
	path, err := program()
	if err != nil {
		return err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	process := exec.Command(path, "-c", filepath.Join(s.dir, "registry.conf"))
	process.Stderr = writer
	if err := process.Start(); err != nil {
		return errors.Join(err, writer.Close(), reader.Close())
	}
	s.process, s.output = process, reader
	return writer.Close()
}

// await waits for the line in the server's log that says that it is ready. The log
// then goes on to nowhere.
func (s *Server) await() error {
	if err := s.output.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	var said strings.Builder
	lines := bufio.NewReader(s.output)
	for {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		if err != nil {
			return errors.Join(fmt.Errorf("nats-server does not start: %w\n%s", err, said.String()), s.Kill())
		}
		if strings.Contains(line, "Server is ready") {
			break
		}
	}
	err := s.output.SetReadDeadline(time.Time{})
	go io.Copy(io.Discard, lines) // until the process ends
	return err
}

// Kill ends the server at once, if it is up. What it has written the system still
// has: the loss of power, for which the configuration has it written to the disk, is
// not to be had here.
func (s *Server) Kill() error {
	if s.process == nil {
		return nil
	}
	err := s.process.Process.Kill()
	_ = s.process.Wait() // its status says that it was killed
	process := s.output
	s.process, s.output = nil, nil
	return cmp.Or(err, process.Close())
}

// PID is the process's.
func (s *Server) PID() int { return s.process.Process.Pid }
