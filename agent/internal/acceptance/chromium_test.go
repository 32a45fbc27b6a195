//go:build browser

package acceptance

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// startChromium starts a browser with a profile of its own, and returns the
// context that tabs are made of. It ends with the test.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf(`"make test-browser" needs the program chromium, of Debian's package of that name: %v`, err)
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.NoFirstRun,
		chromedp.Headless,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("force-color-profile", "srgb"),
		// Whatever else would call out, cannot.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	}
	if os.Geteuid() == 0 { // whose sandbox Chromium refuses
		options = append(options, chromedp.NoSandbox)
	}
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(release)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, farewell)
		defer cancel()
		if err := chromedp.Cancel(ctx); err != nil {
			t.Error("Chromium's end:", err)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal("Chromium does not start: ", err)
	}
	return ctx
}

// A tab is one without cookies, which notes what its pages do.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu        sync.Mutex // guards what follows
	requested []string   // URLs
	documents map[string]*network.Response
	console   []consoleError
}

// A consoleError is a line that the console shows in red.
type consoleError struct{ text, url string }

// openTab opens a tab that closes with the test.
func openTab(t *testing.T, chromium context.Context) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, documents: map[string]*network.Response{}}
	if err := chromedp.Listen(ctx, b.note); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requested = append(b.requested, e.Request.URL)
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			b.documents[e.Response.URL] = e.Response
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			b.console = append(b.console, consoleError{text: fmt.Sprint("console.error ", e.Args)})
		}
	case *runtime.EventExceptionThrown:
		b.console = append(b.console, consoleError{e.ExceptionDetails.Text, e.ExceptionDetails.URL})
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.console = append(b.console, consoleError{e.Entry.Text, e.Entry.URL})
		}
	}
}

// do runs steps in the tab.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// read reads something from the tab.
func read[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// prefer makes the tab a person's who prefers "light" or "dark".
func (b *tab) prefer(scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// strangers returns what the pages asked of others than these origins.
func (b *tab) strangers(origins ...string) (list []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, address := range b.requested {
		u, err := url.Parse(address)
		known := err == nil && u.Scheme == "data" // is in the page itself
		for _, origin := range origins {
			known = known || strings.HasPrefix(address, origin+"/")
		}
		if !known {
			list = append(list, address)
		}
	}
	return list
}

// errors returns the errors on the console.
func (b *tab) errors() []consoleError {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.console)
}

// document returns how the page at an address was answered.
func (b *tab) document(address string) *network.Response {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.documents[address]
}
