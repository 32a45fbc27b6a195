package sessiontest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// A window is an editor with its agent.
type window struct {
	number int // 0 for the one that the setup uses
	proc   *Process
	editor *Editor
	exited chan struct{} // closed when the process has ended, with status set
	status int

	// next is the index of the first message that no step has asked for.
	next int
	// unanswered are the ids of the agent's requests that steps have seen, by
	// method.
	unanswered map[string][]string
	// shutdown and exit say that those were sent.
	shutdown, exit bool
	// left says that the editor has closed stdin: whether the agent still says
	// what was under way depends on when it notices.
	left bool
	// ended says that the end has been seen, and nothing more is to be checked.
	ended bool
}

// profile is what the editors say of themselves.
type profile struct {
	noProgress, noShowDocument bool
	options                    map[string]json.RawMessage
	answers                    map[string]Answer
}

func (s *session) open(number int) *window {
	w := &window{
		number: number, proc: s.launch(s.dataDirOf(number), home(s.home)),
		exited: make(chan struct{}), unanswered: map[string][]string{},
	}
	w.editor = NewEditor(w.proc.Stdin, w.proc.Stdout)
	for method, answer := range s.profile.answers {
		w.editor.Answer(method, answer)
	}
	go func() {
		w.status = w.proc.Wait()
		close(w.exited)
	}()
	s.every = append(s.every, w)
	return w
}

// dataDirOf returns the data directory of a window. The setup's is that of the first.
func (s *session) dataDirOf(number int) string {
	if s.apart && number > 1 {
		return fmt.Sprint(s.dataDir, "-", number)
	}
	return s.dataDir
}

// options are the initializationOptions of a window, nil where there are none.
func (s *session) options(number int) map[string]json.RawMessage {
	options := maps.Clone(s.profile.options)
	if own := s.ownOptions[number]; own != nil && options == nil {
		return own
	}
	maps.Copy(options, s.ownOptions[number])
	return options
}

// start opens a window of the script, and introduces it unless the script does.
func (s *session) start(ctx context.Context, number int) error {
	w := s.open(number)
	s.windows[number-1] = w
	if s.noInitialize {
		return nil
	}
	return s.initialize(ctx, w)
}

// initialize introduces the editor to the agent. Its answer has to be the first
// thing that the agent says.
func (s *session) initialize(ctx context.Context, w *window) error {
	params := map[string]any{
		"processId":  os.Getpid(),
		"clientInfo": protocol.Info{Name: "sessiontest"},
		"capabilities": protocol.ClientCapabilities{Window: protocol.WindowCapabilities{
			WorkDoneProgress: !s.profile.noProgress,
			ShowDocument:     protocol.ShowDocumentCapabilities{Support: !s.profile.noShowDocument},
		}},
	}
	if options := s.options(w.number); options != nil {
		params["initializationOptions"] = options
	}
	if s.usesWorkspace {
		params["workspaceFolders"] = []protocol.WorkspaceFolder{{URI: s.vars["workspaceUri"], Name: "workspace"}}
	}
	if err := s.handshake(ctx, w, protocol.Initialize.Method(), params); err != nil {
		return err
	}
	if err := w.editor.Notify(protocol.Initialized.Method(), struct{}{}); err != nil || len(s.windows) == 1 {
		return err
	}
	return s.settle(ctx, w)
}

// settled is the id of a request whose answer no script looks at.
var settled = json.RawMessage(`"sessiontest-settled"`)

// settle waits until the agent has noted from which state on it tells changes, so that
// none which another window makes comes before that.
func (s *session) settle(ctx context.Context, w *window) error {
	if err := w.editor.Request(settled, protocol.Status.Method(), struct{}{}); err != nil {
		return s.gone(ctx, w, err)
	}
	if _, err := w.editor.Response(ctx, settled); err != nil {
		return s.gone(ctx, w, err)
	}
	return nil
}

// handshake sends a request of the harness's own, whose response has to be the
// next message.
func (s *session) handshake(ctx context.Context, w *window, method string, params any) error {
	id := json.RawMessage(fmt.Sprintf(`"sessiontest-%s"`, method))
	if err := w.editor.Request(id, method, params); err != nil {
		return s.gone(ctx, w, err)
	}
	answer := script.Step{Form: script.Result, ID: string(id), Window: w.number}
	m, err := s.nextMessage(ctx, w, []script.Step{answer})
	if err != nil {
		return fmt.Errorf("waiting for the answer to %s: %w", method, err)
	}
	if !m.IsResponse() || string(m.ID) != string(id) {
		return fmt.Errorf("unexpected message:\n    <- %s", clip(string(m.Raw), maxShown))
	}
	if m.Error != nil {
		return fmt.Errorf("%s: %w", method, m.Error)
	}
	return nil
}

// nextMessage returns the next message that the steps ask for, or that no script
// may pass over.
func (s *session) nextMessage(ctx context.Context, w *window, steps []script.Step) (*Message, error) {
	for {
		m, err := w.editor.At(ctx, w.next)
		if err != nil {
			return nil, s.gone(ctx, w, err)
		}
		w.next++
		wanted := slices.ContainsFunc(steps, func(step script.Step) bool {
			return step.Method == m.Method && s.compare(step, m, true) == nil
		})
		if !isChatter(m) || wanted {
			return m, nil
		}
		s.note("..", w, string(m.Raw))
	}
}

// isChatter reports whether a script may pass over a message: the agent may say
// more than any script foresees, to the log or of a connection that comes about when
// it does, or take a question back when nobody waits for its answer any more; and it
// answers the harness.
func isChatter(m *Message) bool {
	if bytes.Equal(m.ID, settled) {
		return true
	}
	switch m.Method {
	case protocol.LogMessage.Method(), protocol.LogTrace.Method(), protocol.CancelRequest.Method(), protocol.DidChangeStatus.Method():
		return true
	}
	return false
}

// gone explains why nothing more comes from a window.
func (s *session) gone(ctx context.Context, w *window, err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	select {
	case <-w.exited:
		return fmt.Errorf("the agent has ended with status %d", w.status)
	case <-ctx.Done():
		return errors.New("the agent has closed its stdout, and goes on")
	}
}

// end ends a window as the protocol says and checks that the agent agrees.
func (s *session) end(ctx context.Context, w *window) error {
	want := 0
	switch {
	case w.exit: // by the script
		if !w.shutdown {
			want = 1
		}
	case s.noInitialize && w.number > 0:
		w.editor.CloseStdin()
		return s.awaitExit(ctx, w, nil)
	default:
		if !w.shutdown {
			if err := s.handshake(ctx, w, protocol.Shutdown.Method(), nil); err != nil {
				return err
			}
		}
		_ = w.editor.Notify(protocol.Exit.Method(), nil) // if it has ended, its status tells
	}
	return s.awaitExit(ctx, w, &want)
}

// awaitExit waits for the end of a process and of its output, and checks its
// status and that it had nothing more to say.
func (s *session) awaitExit(ctx context.Context, w *window, status *int) error {
	select {
	case <-w.exited:
	case <-ctx.Done():
		return fmt.Errorf("the agent does not end: %w", context.Cause(ctx))
	}
	select {
	case <-w.editor.Done():
	case <-ctx.Done():
		return errors.New("the agent has ended, but something holds its stdout open")
	}
	w.ended = true
	w.editor.CloseStdin()
	if err := w.editor.Err(); !errors.Is(err, io.EOF) {
		return err
	}
	if status != nil && w.status != *status {
		return fmt.Errorf("the agent ended with status %d, want %d", w.status, *status)
	}
	if w.number == 0 || w.left {
		return nil // nobody listens
	}
	for _, m := range w.editor.Messages()[w.next:] {
		w.next++
		if !isChatter(m) {
			return fmt.Errorf("unexpected message:\n    <- %s", clip(string(m.Raw), maxShown))
		}
	}
	return nil
}

// kill ends a window without asking it.
func (s *session) kill(w *window) {
	if w.ended {
		return
	}
	w.ended = true
	w.proc.Kill()
	w.editor.CloseStdin()
	select {
	case <-w.exited:
	case <-time.After(linger): // the launcher complains
	}
}

// window returns a running window by its number; 0 means the first.
func (s *session) window(number int) (*window, error) {
	number = cmp.Or(number, 1)
	if number > len(s.windows) {
		return nil, fmt.Errorf("there is no window %d: the setup says windows %d", number, len(s.windows))
	}
	if w := s.windows[number-1]; w != nil && !w.ended {
		return w, nil
	}
	return nil, fmt.Errorf("the agent of window %d has ended", number)
}
