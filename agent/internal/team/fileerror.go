package team

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/teamcodestream/codestream-agent/agent/internal/work"
	"github.com/teamcodestream/codestream-agent/protocol"
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
