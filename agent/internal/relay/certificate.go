package relay

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// keyPair is a certificate with its key, read again when a file has changed: so a
// renewed one needs no restart.
type keyPair struct {
	certFile, keyFile string
	log               *slog.Logger

	mu   sync.Mutex // guards what follows
	pair *tls.Certificate
	// loaded and failed are when the files were changed that were last used, and
	// that were last of no use.
	loaded, failed [2]time.Time
}

func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	modified := [2]time.Time{modifiedAt(k.certFile), modifiedAt(k.keyFile)}
	if k.pair != nil && modified == k.loaded {
		return k.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	switch {
	case err == nil:
		if k.pair != nil {
			k.log.Info("the certificate is new", "until", pair.Leaf.NotAfter)
		}
		k.pair, k.loaded = &pair, modified
	case k.pair == nil:
		return nil, fmt.Errorf("the certificate and its key cannot be used: %w", err)
	case modified != k.failed: // said once, and tried again with each connection
		k.log.Error("the new certificate and its key cannot be used, and the earlier ones are: mend the files before those expire",
			"certificate", k.certFile, "key", k.keyFile, "until", k.pair.Leaf.NotAfter, "error", err)
		k.failed = modified
	}
	return k.pair, nil // the earlier one, while the two files are replaced
}

// modifiedAt is when a file was last changed; the zero time where there is none.
func modifiedAt(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
