package store_test

import (
	"sync"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

// Other windows that read without a pause, so that there is always one that has
// the file, do not keep a writer out.
func TestWhoReadsDoesNotKeepAWriterOut(t *testing.T) {
	writer := filled(t)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 16 {
		window := store.New(writer.Dir(), store.Options{})
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := window.View(func(tx *store.Tx) error { _, err := tx.Instances(); return err }); err != nil {
					t.Errorf("a reader: %v", err)
					return
				}
			}
		})
	}
	for range 5 {
		update(t, writer, func(tx *store.Tx) error { return tx.PutInstance(store.Instance{ID: other}, secret.Text{}) })
	}
	close(stop)
	readers.Wait()
}
