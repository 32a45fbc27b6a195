package secret

import (
	"slices"
	"strings"
)

// maxRounds bounds how often a text is gone through.
const maxRounds = 8

// Redact returns the text with "[secret]" in the place of each secret in it: of
// those that are known, also where they are escaped as in a URL, in JSON or in Go,
// or encoded in base64, and of whatever carries a secret by its form or its name
// (see parameters and tokenForms).
//
// Secrets that overlap or hold one another are replaced by one "[secret]". The
// word itself stays as it is, so that a secret that is a part of it tells nothing.
// Too much rather than too little is replaced: what stands beside a secret may go
// with it.
func (k *Known) Redact(text string) string { return replace(text, k.find, parameters, tokens) }

// Hide returns the text with "[secret]" in the place of each known secret in it, as
// Redact does, and leaves all else as it is: for what people read on the screen.
func (k *Known) Hide(text string) string { return replace(text, k.find) }

// finder calls mark with the bounds of what is to be replaced in a text.
type finder func(text string, mark func(from, to int))

func replace(text string, finders ...finder) string {
	// What was put in can make a secret together with what stands beside it.
	for range maxRounds {
		spans := spansIn(text, finders)
		if len(spans) == 0 {
			return text
		}
		text = cover(text, spans)
	}
	return hidden
}

// span is a part of a text.
type span struct{ from, to int }

// spansIn returns the parts to replace, in order and apart from one another.
func spansIn(text string, finders []finder) []span {
	var found []span
	views(text, func(v view) {
		mark := func(from, to int) {
			if from < to {
				from, to = v.original(from, to)
				found = append(found, span{from, to})
			}
		}
		for _, find := range finders {
			find(v.text, mark)
		}
	})
	if len(found) == 0 {
		return nil
	}
	done := placeholders(text)
	found = slices.DeleteFunc(found, func(s span) bool {
		return slices.ContainsFunc(done, func(d span) bool { return d.from <= s.from && s.to <= d.to })
	})
	if len(found) == 0 {
		return nil
	}
	return merge(append(found, done...))
}

// placeholders finds what was replaced before.
func placeholders(text string) (done []span) {
	for from := 0; ; {
		at := strings.Index(text[from:], hidden)
		if at < 0 {
			return done
		}
		done = append(done, span{from + at, from + at + len(hidden)})
		from = done[len(done)-1].to
	}
}

// merge joins the spans that overlap.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	merged := spans[:1]
	for _, s := range spans[1:] {
		if last := &merged[len(merged)-1]; s.from < last.to {
			last.to = max(last.to, s.to)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// cover replaces the spans.
func cover(text string, spans []span) string {
	var b strings.Builder
	at := 0
	for _, s := range spans {
		b.WriteString(text[at:s.from])
		b.WriteString(hidden)
		at = s.to
	}
	b.WriteString(text[at:])
	return b.String()
}
