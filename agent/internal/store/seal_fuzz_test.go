package store

import (
	"bytes"
	"testing"
)

// FuzzSealed changes a sealed secret, its place, and its key: what opens is what
// was sealed, or nothing.
func FuzzSealed(f *testing.F) {
	f.Add([]byte("glfake-secret"), []byte("client\nhttps://gitlab.example.com"), []byte(nil), []byte(nil), uint8(0))
	f.Add([]byte("glfake-secret"), []byte("tokens"), []byte{0, 1}, []byte{1}, uint8(40))
	f.Add([]byte(""), []byte(""), []byte{0xff}, []byte(nil), uint8(44))
	f.Fuzz(func(t *testing.T, plain, place, changes, placeChanges []byte, length uint8) {
		key, stranger := newDataKey(), newDataKey()
		sealed, err := seal(key, place, plain)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := unseal(key, place, sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("what was sealed opens as %q: %v", got, err)
		}
		changed, elsewhere := xor(sealed, changes), xor(place, placeChanges)
		if length > 0 && int(length) < len(changed) {
			changed = changed[:length]
		}
		isSame := bytes.Equal(changed, sealed) && bytes.Equal(elsewhere, place)
		if got, err := unseal(key, elsewhere, changed); (err == nil) != isSame || err == nil && !bytes.Equal(got, plain) {
			t.Errorf("changed, it opens as %q: %v", got, err)
		}
		stranger.id = key.id
		if got, err := unseal(stranger, place, changed); err == nil {
			t.Errorf("with another key it opens as %q", got)
		}
	})
}

// xor changes as many bytes of data as there are bits to change.
func xor(data, bits []byte) []byte {
	changed := bytes.Clone(data)
	for i := range min(len(changed), len(bits)) {
		changed[i] ^= bits[i]
	}
	return changed
}
