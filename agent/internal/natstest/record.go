package natstest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Put puts a value under a key of the bucket codestream-team as a maintainer can whose
// program is not this one. It speaks the protocol of NATS by itself
// (https://docs.nats.io/reference/reference-protocols/nats-protocol).
func (s *Server) Put(key, value string) error {
	conn, err := net.DialTimeout("tcp", s.address, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	const inbox = "_INBOX.natstest"
	_, err = fmt.Fprintf(conn, "CONNECT {\"verbose\":false,\"user\":%q,\"pass\":%q}\r\nSUB %s 1\r\nPUB $KV.codestream-team.%s %s %d\r\n%s\r\n",
		Maintainer, Maintainer.password(), inbox, key, inbox, len(value), value)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "-ERR"), strings.HasPrefix(line, "{") && strings.Contains(line, `"error"`):
			return fmt.Errorf("the server does not take the record: %s", line)
		case strings.HasPrefix(line, "{"): // what acknowledges it
			return nil
		}
	}
	return errors.New("the server does not acknowledge the record")
}

// LoseData ends the server, and takes away all that it has kept: it comes up as a new
// one.
func (s *Server) LoseData() error {
	return errors.Join(s.Kill(), os.RemoveAll(filepath.Join(s.dir, "data")))
}
