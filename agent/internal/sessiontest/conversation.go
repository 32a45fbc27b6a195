package sessiontest

import (
	"fmt"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// maxShown is how much of a message is shown when a script fails.
const maxShown = 1200

// note adds a line to the conversation: "->" and "!" in the words of the script,
// what was received as it came, ".." where the script passed over it.
func (s *session) note(arrow string, w *window, text string) {
	number := ""
	if w != nil && len(s.windows) > 1 {
		number = fmt.Sprint(w.number)
	}
	s.talk = append(s.talk, fmt.Sprintf("    %s%s %s", arrow, number, clip(text, maxShown)))
}

// report is the error of a step: where it stands, what is wrong, how it came to
// that, and what the agents said on stderr.
func (s *session) report(line int, err error) error {
	var b strings.Builder
	if line > 0 {
		b.WriteString(script.Position(s.script.Name, line))
	} else if s.script.Name != "" {
		b.WriteString(s.script.Name + ": ")
	}
	b.WriteString(strings.TrimRight(err.Error(), "\n"))
	if len(s.talk) > 0 {
		b.WriteString("\nthe conversation so far:\n" + strings.Join(s.talk, "\n"))
	}
	for _, w := range s.every {
		waiting := w.editor.Messages()
		for i := w.next; i < len(waiting) && w.number > 0; i++ {
			fmt.Fprintf(&b, "\nnot yet looked at, in window %d:\n    <- %s", w.number, clip(string(waiting[i].Raw), maxShown))
		}
		if said := strings.TrimSpace(w.proc.Stderr()); said != "" {
			said = said[max(0, len(said)-4000):]
			fmt.Fprintf(&b, "\nstderr of window %d:\n    %s", w.number, strings.ReplaceAll(said, "\n", "\n    "))
		}
	}
	return fmt.Errorf("%s", b.String())
}
