package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// stdin is what a person types, or a program pipes in. A command that is cancelled
// does not wait for either: a read that nobody ends goes on until the process does.
type stdin struct {
	ctx    context.Context
	source io.Reader
}

// Read returns ctx's error where the command is cancelled first.
func (in *stdin) Read(p []byte) (int, error) {
	if err := in.ctx.Err(); err != nil {
		return 0, err
	}
	type result struct {
		bytes []byte
		err   error
	}
	done := make(chan result, 1)
	go func() {
		bytes := make([]byte, len(p))
		n, err := in.source.Read(bytes)
		done <- result{bytes[:n], err}
	}()
	select {
	case r := <-done:
		return copy(p, r.bytes), r.err
	case <-in.ctx.Done():
		return 0, in.ctx.Err()
	}
}

// terminal returns the terminal at which a person sits, or nil.
func (in *stdin) terminal() *os.File {
	if file, ok := in.source.(*os.File); ok && isTerminal(file) {
		return file
	}
	return nil
}

// maxSecret bounds a secret on stdin in bytes.
const maxSecret = 64 << 10

// secret reads a secret, which is a line: at a terminal one that is not shown.
func (t *terminal) secret(question string) (secret string, err error) {
	if file := t.stdin.terminal(); file != nil {
		secret, err = t.hiddenLine(file, question)
	} else {
		secret, err = bufio.NewReader(oneByte{io.LimitReader(t.stdin, maxSecret)}).ReadString('\n')
		if err == io.EOF {
			err = nil
		}
	}
	secret = strings.TrimSpace(secret)
	if err == nil && secret == "" {
		err = usagef("there is nothing on stdin, where a secret is read from")
	}
	return secret, err
}

// hiddenLine asks for a line that is not shown. The terminal is silent before the
// question is there to be read, and as it was when this returns. Meanwhile Ctrl-C is
// a key like others.
func (t *terminal) hiddenLine(file *os.File, question string) (string, error) {
	before, err := term.MakeRaw(int(file.Fd()))
	if err != nil {
		return "", err
	}
	defer term.Restore(int(file.Fd()), before)
	line, err := term.NewTerminal(keyboard{oneByte{t.stdin}, t.Stderr}, "").ReadPassword(question)
	if err != nil {
		fmt.Fprint(t.Stderr, "\r\n")
	}
	if err == io.EOF { // Ctrl-C, Ctrl-D
		err = context.Canceled
	}
	return line, err
}

// keyboard is a terminal's two directions.
type keyboard struct {
	io.Reader
	io.Writer
}

// oneByte reads no further than the end of a line: what was typed after it is for
// the next question.
type oneByte struct{ io.Reader }

func (r oneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), 1)]) }

// readLines sends each line until ctx ends, and closes lines at the end.
func (in *stdin) readLines(ctx context.Context, lines chan<- string) {
	defer close(lines)
	for text := bufio.NewScanner(in); text.Scan(); {
		select {
		case lines <- strings.TrimSpace(text.Text()):
		case <-ctx.Done():
			return
		}
	}
}
