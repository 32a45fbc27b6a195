package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

func isTerminalFile(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }

// say tells the person something that is no result.
func (t *terminal) say(format string, args ...any) {
	fmt.Fprintf(t.Stderr, format+"\n", args...)
}

// warn says what the agent has to say beside a result.
func (t *terminal) warn(sentences []string) {
	for _, sentence := range sentences {
		t.say("%s", forTerminal(sentence))
	}
}

// printJSON prints a result for programs.
func (t *terminal) printJSON(value any) error {
	encoder := json.NewEncoder(t.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// table prints lines in columns.
func (t *terminal) table(lines [][]string) {
	var widths []int
	for _, line := range lines {
		for i, cell := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, line := range lines {
		var row strings.Builder
		for i, cell := range line {
			fmt.Fprintf(&row, "%-*s  ", widths[i], cell)
		}
		fmt.Fprintln(t.Stdout, strings.TrimRight(row.String(), " "))
	}
}

// Colours, where a person looks and has not asked for none (https://no-color.org).
const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	grey   = "\x1b[90m"
	plain  = "\x1b[0m"
)

func (t *terminal) coloured(colour, text string) string {
	if environment("NO_COLOR") || !isTerminal(t.Stdout) {
		return text
	}
	return colour + text + plain
}
