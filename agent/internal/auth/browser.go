package auth

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/cli/browser"
)

// OpenBrowser opens a URL in the user's browser: with one of the commands of
// $BROWSER, a list between colons in which %s stands for the URL, else with the
// system's own.
func OpenBrowser(_ context.Context, url string) error {
	commands := os.Getenv("BROWSER")
	if commands == "" {
		browser.Stdout, browser.Stderr = io.Discard, io.Discard // stdout is the protocol's
		return browser.OpenURL(url)
	}
	var errs []error
	for command := range strings.SplitSeq(commands, string(os.PathListSeparator)) {
		err := start(command, url)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// start runs a browser, which lives on when it was the first one.
func start(command, url string) error {
	words := strings.Fields(command)
	if len(words) == 0 {
		return errors.New("auth: an empty command in $BROWSER")
	}
	given := false
	for i, word := range words {
		if strings.Contains(word, "%s") {
			words[i], given = strings.ReplaceAll(word, "%s", url), true
		}
	}
	if !given {
		words = append(words, url)
	}
	cmd := exec.Command(words[0], words[1:]...)
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait() // reaps it
	return nil
}
