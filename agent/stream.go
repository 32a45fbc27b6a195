package agent

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/textproto"
	"strconv"
	"strings"
	"sync"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	// maxMessage is the size in bytes of the largest message that is read.
	maxMessage = 64 << 20
	// maxHeader bounds a line of a frame's header.
	maxHeader = 8 << 10
)

// stream is a jsonrpc2.ObjectStream in the frames of LSP's base protocol
// (https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/#baseProtocol).
// It answers by itself whatever is not a message, and goes on; only when it can
// no longer tell where the next frame begins does it end the session.
type stream struct {
	log *slog.Logger
	in  *bufio.Reader

	out *outbox

	close func() error
}

var _ jsonrpc2.ObjectStream = (*stream)(nil)

func newStream(in io.Reader, out *outbox, log *slog.Logger) *stream {
	s := &stream{log: log, in: bufio.NewReaderSize(in, maxHeader), out: out, close: func() error { return nil }}
	if closer, ok := in.(io.Closer); ok {
		s.close = sync.OnceValue(closer.Close) // unblocks the reader
	}
	return s
}

// Close ends a read that is under way.
func (s *stream) Close() error { return s.close() }

// ReadObject reads up to the next message, and stores it in v in the form that
// jsonrpc2 understands.
func (s *stream) ReadObject(v any) error {
	for {
		body, err := s.readFrame()
		var bad *badMessage
		if errors.As(err, &bad) {
			s.log.Warn("bad frame", "error", bad)
			if writeErr := s.refuse(bad); writeErr != nil {
				return writeErr
			}
			if bad.fatal {
				return bad
			}
			continue
		}
		if err != nil {
			return err
		}
		object, bad := parseMessage(body)
		if bad == nil && json.Unmarshal(object, v) != nil {
			bad = invalidMessage(nil, "the message cannot be read")
		}
		if bad == nil {
			return nil
		}
		s.log.Warn("bad message", "error", bad)
		if err := s.refuse(bad); err != nil {
			return err
		}
	}
}

// WriteObject writes a message as one frame.
func (s *stream) WriteObject(v any) error {
	object, err := json.Marshal(v)
	if err != nil {
		return err
	}
	object, err = restoreID(object)
	if err != nil {
		return err
	}
	return s.writeFrame(object)
}

// refuse answers what is not a message. What has no id and was no request, such
// as a malformed response, is not answered.
func (s *stream) refuse(bad *badMessage) error {
	if bad.silent {
		return nil
	}
	id := bad.id
	if id == nil {
		id = json.RawMessage("null")
	}
	object, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "id": id, "error": wireError(bad.error()),
	})
	if err != nil {
		return err
	}
	return s.out.answerAtOnce(func() error { return s.writeFrame(object) })
}

func (s *stream) writeFrame(body []byte) error {
	return s.out.put(append(fmt.Appendf(nil, "Content-Length: %d\r\n\r\n", len(body)), body...))
}

// readFrame returns the body of the next frame, io.EOF at the end of the stream,
// or a *badMessage.
func (s *stream) readFrame() ([]byte, error) {
	length, err := s.readHeader()
	if err != nil {
		return nil, err
	}
	if length > maxMessage {
		if _, err := io.CopyN(io.Discard, s.in, length); err != nil {
			return nil, io.EOF
		}
		return nil, &badMessage{code: protocol.InvalidRequest, text: fmt.Sprintf("a message of %d bytes is more than the limit of %d", length, maxMessage)}
	}
	var body bytes.Buffer // grows with what comes, not with what was announced
	if _, err := io.CopyN(&body, s.in, length); err != nil {
		return nil, io.EOF // the editor is gone in the middle of a message
	}
	return body.Bytes(), nil
}

// readHeader reads the header of a frame and returns its Content-Length. A
// header without a usable one loses the framing.
func (s *stream) readHeader() (length int64, err error) {
	length = -1
	for first := true; ; first = false {
		line, err := s.in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return 0, lostFrame("a header line is longer than %d bytes", maxHeader)
		case err != nil && first && len(line) == 0:
			return 0, io.EOF
		case err != nil:
			return 0, lostFrame("the stream ends within a header")
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			if length < 0 {
				return 0, lostFrame("a header has no Content-Length")
			}
			return length, nil
		}
		name, value, _ := strings.Cut(text, ":")
		if textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)) != "Content-Length" {
			continue
		}
		length, err = strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil || length < 0 {
			return 0, lostFrame("Content-Length is not a number of bytes")
		}
	}
}

func lostFrame(format string, args ...any) error {
	return &badMessage{code: protocol.ParseError, text: fmt.Sprintf(format, args...) + ": the framing is lost", fatal: true}
}
