package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// window is one editor window with the agent that it has spawned.
type window struct {
	cmd    *exec.Cmd
	editor *sessiontest.Editor
	page   chan string // the title of the page on which the browser ended

	printing sync.WaitGroup
	answered chan struct{} // the response to the call under way is printed
	secrets  func() []string
}

// spawn starts the agent on a data directory. secrets lists what is not printed.
func spawn(program, dataDir, browser string, secrets func() []string) (*window, error) {
	cmd := exec.Command(program, "--stdio")
	cmd.Env = append(os.Environ(), "CODESTREAM_DATA_DIR="+dataDir, "CODESTREAM_KEYRING=off")
	if browser != "" {
		cmd.Env = append(cmd.Env, "BROWSER="+browser)
	}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("the agent does not start: %w", err)
	}
	w := &window{
		cmd: cmd, editor: sessiontest.NewEditor(stdin, stdout),
		page: make(chan string, 1), answered: make(chan struct{}, 1), secrets: secrets,
	}
	if browser != "" {
		w.page <- "in your browser"
	}
	w.printing.Add(1)
	return w, nil
}

// browse is the stand-in for a person: it signs in, and approves.
func (w *window) browse(ctx context.Context, browser *providertest.Browser, params json.RawMessage) {
	var shown protocol.ShowDocumentParams
	if err := json.Unmarshal(params, &shown); err != nil {
		w.page <- err.Error()
		return
	}
	page, err := browser.Approve(ctx, shown.URI)
	if err != nil {
		w.page <- err.Error()
		return
	}
	w.page <- page.Title
}

// call prints a request, sends it, and waits until the answer is printed too.
func (w *window) call(ctx context.Context, method string, params, result any) error {
	text, err := json.Marshal(params)
	if err != nil {
		return err
	}
	w.show("->", method, text)
	err = w.editor.Call(ctx, method, params, result)
	select {
	case <-w.answered:
	case <-ctx.Done():
	}
	return err
}

// print prints what the agent says, as it comes.
func (w *window) print(ctx context.Context) {
	defer w.printing.Done()
	for i := 0; ; i++ {
		m, err := w.editor.At(ctx, i)
		if err != nil {
			return
		}
		switch {
		case !m.IsResponse():
			w.show("<-", m.Method, m.Params)
		case m.Error != nil:
			w.show("<-", "error "+m.Error.Error(), m.Error.Data)
			w.answered <- struct{}{}
		default:
			w.show("<-", "result", m.Result)
			w.answered <- struct{}{}
		}
	}
}

// close ends the session as an editor does.
func (w *window) close(ctx context.Context) error {
	if err := w.call(ctx, protocol.Shutdown.Method(), nil, nil); err != nil {
		return err
	}
	if err := w.editor.Notify(protocol.Exit.Method(), nil); err != nil {
		return err
	}
	closed := w.editor.Close()
	w.printing.Wait()
	return errors.Join(closed, w.cmd.Wait())
}

// kill ends an agent that is still there.
func (w *window) kill() {
	if w.cmd.ProcessState == nil {
		w.cmd.Process.Kill()
		w.cmd.Wait()
	}
}

// width is where a line of the conversation is cut.
const width = 400

// show prints one message, without its secrets.
func (w *window) show(arrow, what string, body json.RawMessage) {
	text := string(body)
	for _, secret := range w.secrets() {
		text = strings.ReplaceAll(text, secret, secret[:min(len(secret), len(providertest.SecretPrefix)+3)]+"…")
	}
	text = strings.ReplaceAll(text, `\u0026`, "&")
	if len(text) > width {
		text = text[:width] + "…"
	}
	if text == "null" {
		text = ""
	}
	fmt.Printf("   %s %s %s\n", arrow, what, text)
}

func scene(title string) { fmt.Printf("\n%s\n", title) }
