package sessiontest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// A session is one run of a script.
type session struct {
	script *script.Script
	launch func(dataDir string, env []string) *Process
	// dataDir, home and workspace lie in root.
	root, dataDir, home, workspace string
	timeout                        time.Duration // for each step

	vars    variables
	world   world
	windows []*window // by number, from 1
	every   []*window // all that were ever opened
	edits   *edits    // where -update is on

	// What the setup says.
	profile            profile
	noInitialize       bool
	usesWorkspace      bool
	apart              bool                               // each window has a data directory of its own
	ownOptions         map[int]map[string]json.RawMessage // of windows
	violationsExpected bool

	talk []string // the conversation so far
}

// config says how to run a script.
type config struct {
	launch  func(dataDir string, env []string) *Process
	root    string // an empty directory
	timeout time.Duration
	update  bool
}

// run runs the script and returns all that is wrong. Nothing of the run is left
// when it returns. With config.update it returns the corrected script too.
func run(played *script.Script, c config) (updated []byte, err error) {
	s := &session{
		script: played, launch: c.launch, timeout: c.timeout,
		root: c.root, dataDir: filepath.Join(c.root, "data"),
		home: filepath.Join(c.root, "home"), workspace: filepath.Join(c.root, "workspace"),
		windows: make([]*window, 1), ownOptions: map[int]map[string]json.RawMessage{}, usesWorkspace: len(played.Files) > 0,
	}
	s.vars = variables{
		"dataDir": s.dataDir, "workspace": s.workspace,
		"workspaceUri": (&url.URL{Scheme: "file", Path: filepath.ToSlash(s.workspace)}).String(),
	}
	if c.update {
		s.edits = &edits{script: played}
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.world = newWorld(ctx)
	defer func() { // also when launch gives up
		cancel()
		for _, w := range s.every {
			s.kill(w)
		}
		s.world.close()
	}()
	err = s.play(ctx)
	for _, w := range s.every {
		s.kill(w)
	}
	s.world.close()
	err = errors.Join(err, s.checkSecrets())
	if err == nil {
		err = errors.Join(s.checkConformance(), s.checkViolations())
	}
	return s.edits.apply(), err
}

// play goes through setup, steps and end.
func (s *session) play(ctx context.Context) error {
	for _, dir := range []string{s.home, s.workspace} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	for _, line := range s.script.Setup {
		if err := s.within(ctx, line.Number, func(ctx context.Context) error { return s.setUp(ctx, line.Text) }); err != nil {
			return err
		}
	}
	if err := s.within(ctx, 0, s.begin); err != nil {
		return err
	}
	steps := s.script.Session
	for len(steps) > 0 {
		n := 1
		for steps[0].Arrow == "<=" && n < len(steps) && steps[n].Arrow == "<=" {
			n++
		}
		if err := s.within(ctx, steps[0].Number, func(ctx context.Context) error { return s.step(ctx, steps[:n]) }); err != nil {
			return err
		}
		steps = steps[n:]
	}
	if err := s.within(ctx, 0, s.world.joinBrowsers); err != nil {
		return err
	}
	for _, w := range s.windows {
		if w == nil || w.ended {
			continue
		}
		if err := s.within(ctx, 0, func(ctx context.Context) error { return s.finish(ctx, w) }); err != nil {
			return err
		}
	}
	return nil
}

// begin ends the setup and opens the windows.
func (s *session) begin(ctx context.Context) error {
	if err := s.dismiss(ctx); err != nil {
		return err
	}
	if err := s.writeFiles(); err != nil {
		return err
	}
	s.world.sessionBegins()
	for i := range s.windows {
		if err := s.start(ctx, i+1); err != nil {
			return err
		}
	}
	return nil
}

// writeFiles puts the script's files into the workspace.
func (s *session) writeFiles() error {
	for _, file := range s.script.Files {
		content, err := s.vars.expand(string(file.Data), false)
		if err != nil {
			return fmt.Errorf("file %s: %w", file.Name, err)
		}
		path := filepath.Join(s.workspace, filepath.FromSlash(file.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			return err
		}
	}
	return nil
}

// finish ends a window whose script is over.
func (s *session) finish(ctx context.Context, w *window) error {
	if s.edits != nil {
		s.edits.leftOver(ctx, s, w)
	}
	return s.end(ctx, w)
}

// within runs a step under the time limit, and adds to its error where it stands
// and how the conversation went.
func (s *session) within(ctx context.Context, line int, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("nothing came within %v", s.timeout))
	defer cancel()
	if err := do(ctx); err != nil {
		return s.report(line, err)
	}
	return nil
}

// step runs one step, or a group of "<=".
func (s *session) step(ctx context.Context, steps []script.Step) error {
	step := steps[0]
	if step.Form == script.Outside {
		s.note("!", nil, s.shown(step))
		text, err := s.vars.expand(step.Body, true)
		if err != nil {
			return err
		}
		act, err := parseOutside(text)
		if err != nil {
			return err
		}
		return act(ctx, s)
	}
	if step.Arrow == "->" {
		w, err := s.window(step.Window)
		if err != nil {
			return err
		}
		s.note("->", w, s.shown(step))
		return s.send(w, step)
	}
	byWindow := map[int][]script.Step{}
	for _, step := range steps {
		byWindow[step.Window] = append(byWindow[step.Window], step)
	}
	for number := 1; number <= 9; number++ {
		if len(byWindow[number]) == 0 {
			continue
		}
		w, err := s.window(number)
		if err != nil {
			return err
		}
		if err := s.expect(ctx, w, byWindow[number]); err != nil {
			return err
		}
	}
	return nil
}

// shown is the text of a step after its arrow, as in the file.
func (s *session) shown(step script.Step) string {
	_, text := script.CutWord(step.Text)
	return text
}

// send does what a "->" says. That the agent is no longer there to read it is
// the business of the steps that expect an answer.
func (s *session) send(w *window, step script.Step) error {
	if step.Form == script.Padding {
		n, _ := strconv.Atoi(step.Body) // the parser has checked it
		_ = w.editor.Bytes([]byte(strings.Repeat(" ", n)))
		return nil
	}
	expand := s.vars.expandJSON
	if step.Form == script.RawFrame || step.Form == script.RawBytes {
		expand = s.vars.expand
	}
	body, err := expand(step.Body, false)
	if err != nil {
		return err
	}
	switch step.Form {
	case script.RawFrame:
		_ = w.editor.Frame([]byte(body))
		return nil
	case script.RawBytes:
		raw, err := strconv.Unquote(body)
		_ = w.editor.Bytes([]byte(raw))
		return err
	case script.Reply:
		return w.reply(step, body)
	}
	message := `{"jsonrpc":"2.0"`
	if step.Form == script.Request {
		message += `,"id":` + step.ID
	}
	message += `,"method":` + script.Quote(step.Method)
	if body != "" {
		message += `,"params":` + body
	}
	switch step.Method {
	case protocol.Shutdown.Method():
		w.shutdown = true
	case protocol.Exit.Method():
		w.exit = true
	}
	_ = w.editor.Frame([]byte(message + "}")) // as it stands in the script, spaces and all
	return nil
}

// reply answers a request of the agent's by hand.
func (w *window) reply(step script.Step, body string) error {
	id := step.Target
	if ids, ok := w.unanswered[step.Target]; ok {
		id = ids[0]
		if w.unanswered[step.Target] = ids[1:]; len(ids) == 1 {
			delete(w.unanswered, step.Target)
		}
	} else if !json.Valid([]byte(id)) {
		return fmt.Errorf("no request %s is waiting for a reply", step.Target)
	}
	if step.Refusal != nil {
		_ = w.editor.Refuse(json.RawMessage(id), *responseError(step.Refusal))
		return nil
	}
	_ = w.editor.Reply(json.RawMessage(id), json.RawMessage(body))
	return nil
}
