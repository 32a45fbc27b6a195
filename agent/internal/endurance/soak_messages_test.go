//go:build soak

package endurance

import (
	"fmt"
	"io"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// A message that is too large is refused without being kept, and the session
// goes on behind it.
func TestSoakMessagesThatAreTooLarge(t *testing.T) {
	measure(t, bounds{memory: 64 << 20, goroutines: 50}, func(t *testing.T, start launcher) {
		ctx := within(t)
		w := start(t, t.TempDir(), nil)
		if err := w.greet(ctx); err != nil {
			t.Fatal(err)
		}
		answers := &follower{window: w, next: len(w.Messages())}
		for _, size := range []int64{64<<20 + 1, 65 << 20, 1 << 30} {
			// Past the editor, which would keep it all. Nothing of its own is on the way.
			_, err := fmt.Fprintf(w.Stdin, "Content-Length: %d\r\n\r\n", size)
			if err == nil {
				_, err = io.CopyN(w.Stdin, spaces{}, size)
			}
			if err != nil {
				t.Fatal(err)
			}
			m, err := answers.response(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if string(m.ID) != "null" || m.Error == nil || protocol.Code(m.Error.Code) != protocol.InvalidRequest {
				t.Errorf("a message of %d bytes was answered with %s", size, m.Raw)
			}
			if _, err := call(ctx, w, protocol.Status, protocol.StatusParams{}); err != nil {
				t.Errorf("after a message of %d bytes: %v", size, err)
			}
			if _, err := answers.response(ctx); err != nil { // of status
				t.Fatal(err)
			}
		}
	})
}

// spaces never end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
