package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

const withPassword = "http://sam:p%40ssw0rd@proxy.example.com:3128"

func behindProxy(proxy string) store.Instance {
	return store.Instance{ID: gitlab, Network: protocol.Network{Proxy: proxy, CAFile: "/etc/ca.pem"}}
}

// proxy reads an instance and what is sealed of its proxy.
func proxy(s *store.Store) (in store.Instance, sealed secret.Text, err error) {
	err = s.View(func(tx *store.Tx) error {
		if in, err = tx.Instance(gitlab); err != nil {
			return err
		}
		sealed, err = tx.Proxy(gitlab)
		return err
	})
	return in, sealed, err
}

func TestTheProxysPasswordIsSealed(t *testing.T) {
	var seen []string
	s := filledWith(t, store.Options{Seen: func(text secret.Text) { seen = append(seen, text.Reveal()) }})
	update(t, s, func(tx *store.Tx) error { return tx.PutInstance(behindProxy(withPassword), secret.Text{}) })
	in, sealed, err := proxy(s)
	if err != nil || sealed.Reveal() != withPassword {
		t.Errorf("the proxy is sealed as %d characters, %v", len(sealed.Reveal()), err)
	}
	if !in.ProxySealed || in.Network.Proxy != "http://proxy.example.com:3128" || in.Network.CAFile != "/etc/ca.pem" {
		t.Errorf("the record is %+v", in)
	}
	if !strings.Contains(strings.Join(seen, " "), "p@ssw0rd") {
		t.Error("nobody was told of the password")
	}
	files, err := os.ReadDir(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(s.Dir(), file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"p%40ssw0rd", "p@ssw0rd", "sam:"} {
			if bytes.Contains(content, []byte(text)) {
				t.Errorf("%s has %q", file.Name(), text)
			}
		}
	}
}

func TestTheProxysPasswordGoesWithIt(t *testing.T) {
	for name, do := range map[string]func(*store.Tx) error{
		"another proxy": func(tx *store.Tx) error {
			return tx.PutInstance(behindProxy("http://other.example.com:3128"), secret.Text{})
		},
		"none":    func(tx *store.Tx) error { return tx.PutInstance(behindProxy(""), secret.Text{}) },
		"deleted": func(tx *store.Tx) error { return tx.DeleteInstance(gitlab) },
		"deleted and made again": func(tx *store.Tx) error {
			return errors.Join(tx.DeleteInstance(gitlab), tx.PutInstance(behindProxy(""), secret.Text{}))
		},
	} {
		s := filled(t)
		update(t, s, func(tx *store.Tx) error { return tx.PutInstance(behindProxy(withPassword), secret.Text{}) })
		update(t, s, do)
		in, sealed, err := proxy(s)
		if err != nil && !errors.Is(err, store.ErrNotFound) || in.ProxySealed || !sealed.IsEmpty() {
			t.Errorf("%s: the record is %+v, and %d characters are sealed: %v", name, in, len(sealed.Reveal()), err)
		}
	}
}

// What is sealed for one instance opens for no other.
func TestTheProxysPasswordIsBoundToItsPlace(t *testing.T) {
	s := filled(t)
	update(t, s, func(tx *store.Tx) error { return tx.PutInstance(behindProxy(withPassword), secret.Text{}) })
	update(t, s, func(tx *store.Tx) error {
		in := behindProxy(withPassword)
		in.ID = other
		return tx.PutInstance(in, secret.Text{})
	})
	raw(t, s, func(tx *bolt.Tx) error {
		secrets := tx.Bucket([]byte("secrets"))
		return secrets.Put([]byte("proxy\n"+gitlab), bytes.Clone(secrets.Get([]byte("proxy\n"+other))))
	})
	if _, sealed, err := proxy(s); !errors.Is(err, store.ErrKeyLost) {
		t.Errorf("another instance's proxy opens: %d characters, %v", len(sealed.Reveal()), err)
	}
}

func TestAProxyThatIsNoURLIsNotKept(t *testing.T) {
	s := filled(t)
	err := s.Update(func(tx *store.Tx) error { return tx.PutInstance(behindProxy("http://sam:p4ssw0rd@%zz"), secret.Text{}) })
	if err == nil || strings.Contains(err.Error(), "p4ssw0rd") {
		t.Errorf("the error is %v", err)
	}
}
