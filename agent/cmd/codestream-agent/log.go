package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"gopkg.in/natefinch/lumberjack.v2"
)

// A log file is put aside when it has this size in megabytes, and so many of those
// are kept beside it: enough for a day at the level debug, and small enough to be
// mailed.
const (
	logFileSize = 5
	logFiles    = 3
)

var levels = map[string]slog.Level{
	"error": slog.LevelError, "warn": slog.LevelWarn, "info": slog.LevelInfo, "debug": slog.LevelDebug,
}

// newLog returns a log at a level: lines of text to stderr, and of JSON to a file
// unless path is empty. The file is to be closed at the end.
func newLog(stderr io.Writer, level, path string) (log *slog.Logger, threshold *slog.LevelVar, file io.Closer, err error) {
	value, ok := levels[level]
	if !ok {
		return nil, nil, nil, fmt.Errorf("there is no log level %q; it can be error, warn, info or debug", level)
	}
	threshold = new(slog.LevelVar)
	threshold.Set(value)
	options := &slog.HandlerOptions{Level: threshold}
	toStderr := slog.NewTextHandler(stderr, options)
	if path == "" {
		return slog.New(toStderr), threshold, io.NopCloser(nil), nil
	}
	rotated, err := openLogFile(path)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("the log file %s cannot be used: %w", path, err)
	}
	return slog.New(slog.NewMultiHandler(toStderr, slog.NewJSONHandler(rotated, options))), threshold, rotated, nil
}

// openLogFile returns a file that is put aside when it has grown, only for the eyes
// of its owner. It is tried out here: lumberjack opens it with the first line, when
// nobody is left to be told. It is for one process: of two, each puts aside what
// the other writes, and what is put aside first is removed too early.
func openLogFile(path string) (*lumberjack.Logger, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	// lumberjack renames whatever is there, be it a link or a device.
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	// One that is put aside hands its mode on to the next.
	if err := errors.Join(file.Close(), os.Chmod(path, 0o600)); err != nil {
		return nil, err
	}
	return &lumberjack.Logger{Filename: path, MaxSize: logFileSize, MaxBackups: logFiles}, nil
}
