package secret

import (
	"container/list"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	// maxKnown is how many secrets are remembered: those of some hundred accounts,
	// and of a long day's refreshes.
	maxKnown = 4096

	// minKnown is the length in bytes of the shortest secret that is looked for. A
	// shorter one is in every other word: to hide it would leave nothing to read,
	// and tell what it is.
	minKnown = 4
)

// Known is the set of the secrets that this process has seen, the most recent
// 4096 of them. Its zero value is empty, and its methods may be called from any
// goroutine.
type Known struct {
	mu     sync.RWMutex // guards what follows
	recent list.List    // of Text, the newest in front
	place  map[Text]*list.Element
	// forms has, by its last four bytes, each form in which a secret may be
	// written. By the last and not the first: secrets of a kind begin alike.
	forms map[ending][]form
}

type ending [minKnown]byte

// form is one way to write a secret.
type form struct {
	text string
	// inner says that the text is a part of a base64 run, with which it goes.
	inner bool
}

// Add notes a secret. One that is noted already counts as new again; one of less
// than four bytes is not noted.
func (k *Known) Add(t Text) {
	if len(t.Reveal()) < minKnown {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if element, ok := k.place[t]; ok {
		k.recent.MoveToFront(element)
		return
	}
	if k.place == nil {
		k.place, k.forms = make(map[Text]*list.Element), make(map[ending][]form)
	}
	if k.recent.Len() == maxKnown {
		k.forget(k.recent.Back())
	}
	k.place[t] = k.recent.PushFront(t)
	for _, f := range formsOf(t.Reveal()) {
		end := endingOf(f.text)
		k.forms[end] = append(k.forms[end], f)
	}
}

// forget drops a secret. The caller holds k.mu.
func (k *Known) forget(element *list.Element) {
	t := k.recent.Remove(element).(Text)
	delete(k.place, t)
	for _, f := range formsOf(t.Reveal()) {
		end := endingOf(f.text)
		// One of them: two secrets can share a form.
		if at := slices.Index(k.forms[end], f); at >= 0 {
			k.forms[end] = slices.Delete(k.forms[end], at, at+1)
		}
		if len(k.forms[end]) == 0 {
			delete(k.forms, end)
		}
	}
}

// find calls mark with the bounds of each form of a secret in a text.
func (k *Known) find(text string, mark func(from, to int)) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if len(k.forms) == 0 {
		return
	}
	for to := minKnown; to <= len(text); to++ {
		for _, f := range k.forms[endingOf(text[:to])] {
			if !strings.HasSuffix(text[:to], f.text) {
				continue
			}
			if from := to - len(f.text); f.inner {
				mark(aroundRun(text, from, to))
			} else {
				mark(from, to)
			}
		}
	}
}

// endingOf returns the last bytes of a text that has at least as many.
func endingOf(text string) ending { return ending([]byte(text[len(text)-minKnown:])) }

// formsOf returns the ways to write a secret that are looked for as they stand.
// Any other escapes, such as of letters or three deep, are undone first; see
// views. But where escapes begin depends on what stands before them, which must
// not hide the usual forms.
func formsOf(secret string) []form {
	inGo := strconv.Quote(secret)
	inJSON, _ := json.Marshal(secret) // a string can always be encoded
	valid := string([]rune(secret))   // as JSON has what is not UTF-8
	var forms []form
	for _, text := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret),
		inGo[1 : len(inGo)-1], string(inJSON[1 : len(inJSON)-1]), valid,
		url.QueryEscape(url.QueryEscape(secret)), url.QueryEscape(string(inJSON[1 : len(inJSON)-1])),
		// As in a form, but for its other escapes.
		strings.ReplaceAll(secret, " ", "+"), strings.ReplaceAll(valid, " ", "+"),
	} {
		forms = append(forms, form{text: text})
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			forms = append(forms, form{base64Core(encoding, secret, before), true})
		}
	}
	slices.SortFunc(forms, func(a, b form) int { return strings.Compare(a.text, b.text) })
	return slices.CompactFunc(forms, func(a, b form) bool { return a == b })
}

// base64Core returns the characters that a secret alone decides when it is
// encoded after that many bytes, counted modulo three, and before others: Basic
// authentication encodes "user:secret" (RFC 7617 section 2).
func base64Core(encoding *base64.Encoding, secret string, before int) string {
	text := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
	first := (before*8 + 5) / 6 // six bits a character
	last := (before + len(secret)) * 8 / 6
	return text[first:last]
}

// aroundRun widens bounds to the whole run of base64, so that neither the secret's
// first and last bits nor what was encoded with it is left.
func aroundRun(text string, from, to int) (int, int) {
	for from > 0 && isBase64(text[from-1]) {
		from--
	}
	for to < len(text) && (isBase64(text[to]) || text[to] == '=') {
		to++
	}
	return from, to
}

func isBase64(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("+/-_", c) >= 0 }

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
