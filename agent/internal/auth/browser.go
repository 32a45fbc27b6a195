package auth

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/cli/browser"
)

// OpenBrowser opens a URL in the user's browser: with one of the commands of
// $BROWSER, a list between colons in which %s stands for the URL, else with the
// system's own.
func OpenBrowser(ctx context.Context, url string) error {
	commands := os.Getenv("BROWSER")
	if commands == "" {
		return openSystem(ctx, url)
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

// openTimeout is after how long a command that has not ended is the browser
// itself, and no longer one that will tell of a failure.
const openTimeout = 5 * time.Second

// openSystem runs the system's own command.
func openSystem(ctx context.Context, url string) error {
	silence()
	failed := make(chan error, 1)
	go func() { // may last as long as the browser
		err := errPanicked
		defer func() {
			_ = recover() // the library's; it must not end the agent
			failed <- err
		}()
		err = browser.OpenURL(url)
	}()
	timeout := time.NewTimer(openTimeout)
	defer timeout.Stop()
	select {
	case err := <-failed:
		return err
	case <-timeout.C:
	case <-ctx.Done():
	}
	return nil
}

// silence keeps what a browser prints out of stdout, which is the protocol's. It
// gets a file and not a pipe, which would break when the agent ends before it.
var silence = sync.OnceFunc(func() {
	browser.Stdout, browser.Stderr = io.Discard, io.Discard
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		browser.Stdout, browser.Stderr = null, null
	}
})

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
