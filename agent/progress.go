package agent

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// createTimeout is how long an editor may take to show progress. One that takes
// longer gets none.
const createTimeout = 3 * time.Second

// progressTokens are those of work that the user may cancel.
type progressTokens struct {
	mu     sync.Mutex // guards cancel
	cancel map[protocol.ProgressToken]context.CancelFunc
}

// progress reports on one piece of work. The zero value reports to nobody.
type progress struct {
	agent  *Agent
	editor editor
	token  protocol.ProgressToken
}

// beginProgress shows the editor that work has begun, and returns a context that
// ends when the user cancels it. token is the editor's own; without one, a token
// is created where the editor supports that.
func (a *Agent) beginProgress(ctx context.Context, token protocol.ProgressToken, title, message string) (context.Context, *progress) {
	p := &progress{agent: a, editor: editorOf(ctx), token: token}
	if p.token.IsZero() && !p.create(ctx) {
		return ctx, &progress{agent: a}
	}
	ctx, cancel := context.WithCancel(ctx)
	a.progress.mu.Lock()
	if a.progress.cancel == nil {
		a.progress.cancel = make(map[protocol.ProgressToken]context.CancelFunc)
	}
	a.progress.cancel[p.token] = cancel
	a.progress.mu.Unlock()
	p.send(protocol.WorkDoneProgress{Kind: "begin", Title: title, Cancellable: true, Message: message})
	return ctx, p
}

func (p *progress) create(ctx context.Context) bool {
	p.agent.mu.Lock()
	supported := p.agent.client.capabilities.WorkDoneProgress
	p.agent.mu.Unlock()
	if !supported {
		return false
	}
	p.token = protocol.NewProgressToken("codestream-agent/" + rand.Text())
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	_, err := ask(ctx, p.editor, protocol.WorkDoneProgressCreate, protocol.WorkDoneProgressCreateParams{Token: p.token})
	if err != nil {
		p.agent.log.Info("the editor shows no progress", "error", err)
	}
	return err == nil
}

// report tells how far the work is.
func (p *progress) report(message string) {
	p.send(protocol.WorkDoneProgress{Kind: "report", Cancellable: true, Message: message})
}

// end says that the work has ended, and how.
func (p *progress) end(message string) {
	p.agent.progress.mu.Lock()
	if cancel, ok := p.agent.progress.cancel[p.token]; ok {
		cancel()
		delete(p.agent.progress.cancel, p.token)
	}
	p.agent.progress.mu.Unlock()
	p.send(protocol.WorkDoneProgress{Kind: "end", Message: message})
}

func (p *progress) send(value protocol.WorkDoneProgress) {
	if p.token.IsZero() {
		return
	}
	if err := tell(context.Background(), p.editor, protocol.Progress, protocol.ProgressParams{Token: p.token, Value: value}); err != nil {
		p.agent.log.Info("progress was not told", "error", err)
	}
}

func (a *Agent) cancelProgress(_ context.Context, p protocol.WorkDoneProgressCancelParams) {
	a.progress.mu.Lock()
	defer a.progress.mu.Unlock()
	if cancel, ok := a.progress.cancel[p.Token]; ok {
		cancel()
	}
}
