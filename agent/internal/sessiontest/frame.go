package sessiontest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// frame puts the header of the LSP base protocol before a body.
func frame(body []byte) []byte {
	return append(fmt.Appendf(nil, "Content-Length: %d\r\n\r\n", len(body)), body...)
}

// maxFrame is more than any agent has a reason to send.
const maxFrame = 256 << 20

// readFrame reads one frame strictly by the LSP base protocol. It returns io.EOF
// where the stream ends between two frames, and an error at the first byte that
// cannot be part of a frame, so that it never waits for the end of stray output.
func readFrame(r *bufio.Reader) ([]byte, error) {
	length := -1
	for first := true; ; first = false {
		line, err := readHeader(r)
		switch {
		case err == io.EOF && line == "" && first:
			return nil, io.EOF
		case err != nil:
			return nil, err
		case line == "" && length < 0:
			return nil, stray(r, "a header without Content-Length", nil)
		case line == "":
			body := make([]byte, length)
			if n, err := io.ReadFull(r, body); err != nil {
				return nil, stray(r, fmt.Sprintf("a frame of %d bytes that ends after %d", length, n), nil)
			}
			return body, nil
		}
		name, content, _ := strings.Cut(line, ":")
		if !strings.EqualFold(name, "Content-Length") {
			continue
		}
		length, err = strconv.Atoi(strings.TrimSpace(content))
		if err != nil || length < 0 || length > maxFrame {
			return nil, stray(r, "a wrong length", []byte(line))
		}
	}
}

// readHeader reads a header field, without its CRLF.
func readHeader(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		b, err := r.ReadByte()
		if err == io.EOF && len(line) == 0 {
			return "", io.EOF
		}
		if err != nil {
			return "", stray(r, "a header that ends early", line)
		}
		line = append(line, b)
		if content, ok := bytes.CutSuffix(line, []byte("\r\n")); ok {
			return string(content), nil
		}
		if !startsHeader(line) {
			return "", stray(r, "not a frame", line)
		}
	}
}

// startsHeader reports whether the line can still become a header field.
func startsHeader(line []byte) bool {
	if line[0] == '\r' {
		return len(line) == 1
	}
	for _, name := range []string{"Content-Length:", "Content-Type:"} {
		n := min(len(name), len(line))
		if strings.EqualFold(name[:n], string(line[:n])) {
			return len(line) < 200 && !bytes.ContainsRune(line, '\n')
		}
	}
	return false
}

// stray describes what came instead of a frame, with what follows it.
func stray(r *bufio.Reader, what string, line []byte) error {
	after, _ := r.Peek(min(r.Buffered(), 200))
	return fmt.Errorf("stdout belongs to the protocol: %s: %q", what, append(line, after...))
}
