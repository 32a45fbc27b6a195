package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// dirName is the product's folder in the system's place for data.
const dirName = "codestream-agent"

// dataDir returns $CODESTREAM_DATA_DIR, else the operating system's convention
// for data of one user on one machine: $XDG_DATA_HOME or ~/.local/share,
// ~/Library/Application Support, or %LocalAppData%.
func dataDir() (string, error) {
	if dir := os.Getenv("CODESTREAM_DATA_DIR"); dir != "" {
		if !filepath.IsAbs(dir) {
			return "", errors.New("CODESTREAM_DATA_DIR is not an absolute path")
		}
		return filepath.Clean(dir), nil
	}
	if runtime.GOOS == "windows" {
		dir := os.Getenv("LocalAppData")
		if dir == "" {
			return "", errors.New("%LocalAppData% is not set")
		}
		return filepath.Join(dir, dirName), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, dirName), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", dirName), nil
	}
	return filepath.Join(home, ".local", "share", dirName), nil
}
