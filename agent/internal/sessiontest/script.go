package sessiontest

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
	// Name is the script's file name, for positions; Parse leaves it empty.
	Name string
	// Prose is what stands before the first section.
	Prose string
	// Setup are the lines of the section "setup".
	Setup []Line
	// Session are the steps of the section "session".
	Session []Step
	// Files are the other sections: files of the workspace.
	Files []txtar.File

	data []byte
	end  int // line after the last one of the section "session"
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

func (e *SyntaxError) Error() string { return position(e.Script, e.Line) + e.Err.Error() }

func (e *SyntaxError) Unwrap() error { return e.Err }

func position(script string, line int) string {
	if script == "" {
		return fmt.Sprintf("line %d: ", line)
	}
	return fmt.Sprintf("%s:%d: ", script, line)
}

// Parse reads a script. Its error joins a [SyntaxError] for each wrong line.
func Parse(data []byte) (*Script, error) { return parseNamed("", data) }

func parseNamed(name string, data []byte) (*Script, error) {
	archive := txtar.Parse(data)
	s := &Script{Name: name, Prose: strings.TrimSpace(string(archive.Comment)), data: data}
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
				_, err := parseSetup(line.Text)
				wrong(line.Number, err)
				s.Setup = append(s.Setup, line)
				continue
			}
			step, err := parseStep(line)
			wrong(line.Number, err)
			s.Session = append(s.Session, step)
		}
		if file.Name == "session" {
			s.end = next
		}
	}
	if len(s.Session) == 0 {
		wrong(next, errors.New("there is no section -- session -- with steps in it"))
	}
	return s, errors.Join(errs...)
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

// Example returns the steps that show a method, for a reference page: of a
// request its first call and the response; of a notification or of a request
// from the agent its first occurrence. It is empty where the script has none.
func (s *Script) Example(method string) []Step {
	for i, step := range s.Session {
		if step.Method != method {
			continue
		}
		example := []Step{step}
		if step.form != request {
			return example
		}
		for _, later := range s.Session[i+1:] {
			if later.isResponse() && later.ID == step.ID && later.Window == step.Window {
				return append(example, later)
			}
		}
		return example
	}
	return nil
}
