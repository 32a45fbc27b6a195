package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// prompt gives each line that is typed to whom it is for: to the question that is
// open, else to the sign-in that waits for the browser. What is typed before either
// is there waits for it.
type prompt struct {
	terminal  *terminal
	ctx       context.Context // of the sign-in
	questions chan question
	begun     chan struct{} // closed when the sign-in waits for the browser
}

// question is answered with a line, or with "" where there are no more.
type question struct {
	text   string
	answer chan<- string
}

func newPrompt(ctx context.Context, t *terminal) *prompt {
	return &prompt{terminal: t, ctx: ctx, questions: make(chan question), begun: make(chan struct{})}
}

// serve reads what is typed until the sign-in ends. paste takes an address that the
// person pastes.
func (p *prompt) serve(paste func(address string)) {
	typed := make(chan string)
	go p.terminal.stdin.readLines(p.ctx, typed)
	var lines <-chan string // typed, while somebody waits for a line
	questions, begun := p.questions, p.begun
	var open question
	for {
		select {
		case open = <-questions:
			fmt.Fprint(p.terminal.Stderr, open.text)
			questions, lines = nil, typed
		case <-begun:
			begun, lines = nil, typed
		case line, more := <-lines:
			if open.answer != nil {
				open.answer <- line
				open, questions = question{}, p.questions
			} else if line != "" {
				paste(line)
			}
			if !more || begun != nil {
				lines = nil
			}
		case <-p.ctx.Done():
			if open.answer != nil {
				fmt.Fprintln(p.terminal.Stderr)
			}
			return
		}
	}
}

// choose asks a question whose first answer is yes. Where nobody sits at a terminal,
// nothing is chosen.
func (p *prompt) choose(asked protocol.ShowMessageRequestParams) *protocol.MessageActionItem {
	if p.terminal.stdin.terminal() == nil || len(asked.Actions) == 0 {
		return nil
	}
	answer := make(chan string, 1)
	select {
	case p.questions <- question{asked.Message + " [y/N] ", answer}:
	case <-p.ctx.Done():
		return nil
	}
	select {
	case said := <-answer:
		if said = strings.ToLower(said); said == "y" || said == "yes" {
			return &asked.Actions[0]
		}
	case <-p.ctx.Done():
	}
	return nil
}
