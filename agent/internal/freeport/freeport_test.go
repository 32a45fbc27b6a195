package freeport_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/agent/internal/freeport"
)

// TestMain checks that no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAPortIsFoundOnce: of so many that are drawn by chance some would be the same.
func TestAPortIsFoundOnce(t *testing.T) {
	found := make(map[string]bool)
	for range 700 {
		port, err := freeport.Find()
		if err != nil {
			t.Fatal(err)
		}
		if found[port] {
			t.Fatalf("port %s is found again", port)
		}
		found[port] = true
	}
}
