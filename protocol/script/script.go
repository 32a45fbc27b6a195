// Package script reads the language of the session scripts in testdata/sessions,
// whose manual is the doc of agent/internal/sessiontest. It knows the form of a
// script and what a step says; it does not know what the setup and the steps after
// "!" can do, nor what a pattern matches: that is the business of sessiontest,
// which runs the scripts, while protocol/generate takes the examples of the
// reference page from them.
//
// A file becomes lines (script.go), a line of the session a step (step.go,
// words.go), and the JSON in it a value (value.go, placeholder.go). exchange.go
// finds messages with their answers. Start at [Parse].
package script

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"
)

// Script is a parsed session script.
type Script struct {
	// Name is the script's file name, for positions; it may be empty.
	Name string
	// Data is the file as it was read.
	Data []byte
	// Prose is what stands before the first section.
	Prose string
	// Setup are the lines of the section "setup".
	Setup []Line
	// Session are the steps of the section "session".
	Session []Step
	// End is the number of the line after the last one of the section "session".
	End int
	// Files are the other sections: files of the workspace.
	Files []txtar.File
}

// Line is a line of a script with those that continue it.
type Line struct {
	// Number is the line's number in the file, from 1, and Count how many lines
	// of the file it takes.
	Number, Count int
	// Text is as in the file, without the last line feed.
	Text string
}

// SyntaxError is a line that is not of the language.
type SyntaxError struct {
	Script string
	Line   int
	Err    error
}

func (e *SyntaxError) Error() string { return Position(e.Script, e.Line) + e.Err.Error() }

func (e *SyntaxError) Unwrap() error { return e.Err }

// Position is what a message about a line begins with. The script's name may be
// empty.
func Position(script string, line int) string {
	if script == "" {
		return fmt.Sprintf("line %d: ", line)
	}
	return fmt.Sprintf("%s:%d: ", script, line)
}

// Commands say what is wrong with lines whose words only their runner knows. A
// nil one takes every line.
type Commands struct {
	Setup   func(text string) error // of a line of the section "setup"
	Outside func(text string) error // of a step, after its "!"
}

// Parse reads a script. Its error joins a [SyntaxError] for each wrong line.
func Parse(name string, data []byte, commands Commands) (*Script, error) {
	archive := txtar.Parse(data)
	s := &Script{Name: name, Data: data, Prose: strings.TrimSpace(string(archive.Comment))}
	var errs []error
	wrong := func(line int, err error) {
		if err != nil {
			errs = append(errs, &SyntaxError{name, line, err})
		}
	}
	if s.Prose == "" {
		wrong(1, errors.New("a script begins with prose that says what it shows"))
	}
	next := 1 + bytes.Count(archive.Comment, []byte("\n"))
	seen := map[string]bool{}
	for _, file := range archive.Files {
		marker := next
		next += 1 + bytes.Count(file.Data, []byte("\n"))
		if seen[file.Name] {
			wrong(marker, fmt.Errorf("a second section %q", file.Name))
		}
		seen[file.Name] = true
		if file.Name != "setup" && file.Name != "session" {
			if !filepath.IsLocal(file.Name) {
				wrong(marker, fmt.Errorf("%q is not a file of the workspace", file.Name))
			}
			s.Files = append(s.Files, file)
			continue
		}
		lines, err := joinLines(string(file.Data), marker+1)
		wrong(marker, err)
		for _, line := range lines {
			if file.Name == "setup" {
				wrong(line.Number, check(commands.Setup, line.Text))
				s.Setup = append(s.Setup, line)
				continue
			}
			step, err := parseStep(line, commands.Outside)
			wrong(line.Number, err)
			s.Session = append(s.Session, step)
		}
		if file.Name == "session" {
			s.End = next
		}
	}
	if len(s.Session) == 0 {
		wrong(next, errors.New("there is no section -- session -- with steps in it"))
	}
	return s, errors.Join(errs...)
}

func check(command func(text string) error, text string) error {
	if command == nil {
		return nil
	}
	return command(text)
}

// joinLines drops blank lines and comments, and joins a line with the indented
// ones after it.
func joinLines(data string, first int) ([]Line, error) {
	var lines []Line
	open := false // whether the line before can be continued
	for i, line := range strings.Split(strings.TrimSuffix(data, "\n"), "\n") {
		line = strings.TrimRight(line, " \t\r")
		switch {
		case line == "" || line[0] == '#':
			open = false
		case line[0] != ' ' && line[0] != '\t':
			lines = append(lines, Line{Number: first + i, Count: 1, Text: line})
			open = true
		case !open:
			return nil, fmt.Errorf("line %d continues nothing", first+i)
		default:
			last := &lines[len(lines)-1]
			last.Count++
			last.Text += "\n" + line
		}
	}
	return lines, nil
}
