package team

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/teamcodestream/codestream-agent/agent/internal/work"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// unreadable is the error for a file of instances that is not read. Where it does not
// answer, nothing is wrong with the file.
func unreadable(path string, err error) error {
	hint := "It has to be a regular file below the folder, of at most 64 KiB, that you may read."
	if errors.Is(err, work.ErrLate) {
		hint = hintLate + " Then try again."
	}
	return fileError(path, "cannot be read", hint, err)
}

// unanswered is unreadable for a file that was read before.
func unanswered(path string) error {
	return fileError(path, "is not read", hintLate+" Until it answers, what was last read of it counts.", work.ErrLate)
}

// unwritable is the error for a file of instances that is not written.
func unwritable(path string, err error) error {
	hint := "Make the folder writable, with no link in place of .codestream, or write the file by hand."
	switch {
	case errors.Is(err, work.ErrLate):
		hint = hintLate + " Then configure the instance again."
	case errors.Is(err, errTooLarge):
		hint = "Take out of the file what nobody needs, and configure the instance again."
	}
	return fileError(path, "cannot be written", hint, err)
}

const hintLate = "Look whether the disk or the machine that it is on is there."

func fileError(path, problem, hint string, err error) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: fmt.Sprintf("%s %s: %v", path, problem, cause(err)),
		Hint:    hint,
		Details: &protocol.ErrorDetails{Cause: protocol.CauseFile, File: path, Text: cause(err).Error()},
		Err:     err,
	}
}

// cause leaves out the path of an error, which the message has.
func cause(err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

// at is an error at an offset of the file.
func (file *source) at(offset int, format string, args ...any) error {
	return file.problem(offset, fmt.Sprintf(format, args...), "Mend the file; it is read again at once.")
}

func (file *source) problem(offset int, problem, hint string) error {
	line, column := position(file.text, offset)
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: fmt.Sprintf("%s, line %d, column %d: %s", file.name, line, column, problem),
		Hint:    hint,
		Details: &protocol.ErrorDetails{Cause: protocol.CauseFile, File: file.name, Line: line, Column: column, Text: problem},
	}
}

// of is an error about a field of an instance, or where the field is left out
// about the instance.
func (file *source) of(index int, field string, err error) error {
	at := file.tree.Find(fmt.Sprintf("/instances/%d/%s", index, field))
	if at == nil {
		at = file.tree.Find(fmt.Sprintf("/instances/%d", index))
	}
	problem, hint := err.Error(), ""
	if known, ok := err.(*protocol.Error); ok {
		problem, hint = known.Message, known.Hint
	}
	if hint == "" {
		return file.at(at.StartOffset, "%s", problem)
	}
	return file.problem(at.StartOffset, problem, hint)
}

func (file *source) secret(offset int, name string) error {
	return file.problem(offset, fmt.Sprintf("%s is a secret, and everybody who has the file can read it", quote(name)),
		"Take it out, and have it renewed if the file was shared. Untick Confidential in the application's form in GitLab: with PKCE it then needs no secret. Or share the instance through the team's registry, which seals it.")
}

// syntaxPlace is how hujson says where.
var syntaxPlace = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`line (\d+), column (\d+): `) })

// syntax puts an error of the parser in the form of the others.
func (file *source) syntax(err error) error {
	problem, offset := err.Error(), len(file.text)
	if place := syntaxPlace().FindStringSubmatchIndex(problem); place != nil {
		line, _ := strconv.Atoi(problem[place[2]:place[3]])
		column, _ := strconv.Atoi(problem[place[4]:place[5]])
		offset = offsetOf(file.text, line, column)
		problem = problem[place[1]:]
	}
	return file.at(offset, "this is not JSON: %s", providers.Shorten(problem, 200))
}

// position returns the line and the column, in characters, of an offset. Both are
// counted from 1.
func position(text []byte, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + utf8.RuneCount(before[1+bytes.LastIndexByte(before, '\n'):])
}

// offsetOf returns the offset of a line and a column in bytes.
func offsetOf(text []byte, line, column int) (offset int) {
	for range line - 1 {
		next := bytes.IndexByte(text[offset:], '\n')
		if next < 0 {
			break
		}
		offset += next + 1
	}
	return min(offset+column-1, len(text))
}
