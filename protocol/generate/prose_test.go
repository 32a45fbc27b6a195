package main

import "testing"

func TestNamesInCommentsBecomeThoseOnTheWire(t *testing.T) {
	src := &source{methods: map[string]methodVar{"gitlabSM/request": {"CallAPI", ""}, "$/logTrace": {"LogTrace", ""}}}
	p := newProse(src, []string{"NotFound", "Forbidden"})
	fields := map[string]string{"URL": "url", "Body": "body", "UserCode": "userCode", "ID": "id"}
	for _, test := range []struct{ text, self, as, want string }{
		{"URL is the URL of it.", "URL", "url", "`url` is the URL of it."},
		{"Body is\nthe Body, see UserCode. Body or not.", "Body", "body", "`body` is the `body`, see `userCode`. Body or not."},
		{"CallAPI calls, like [CallAPI] and gitlabSM/request.", "CallAPI", "gitlabSM/request",
			"`gitlabSM/request` calls, like `gitlabSM/request` and `gitlabSM/request`."},
		{"NotFound: it is not there.", "NotFound", "NotFound", "It is not there."},
		{"It is NotFound or Forbidden, by $/logTrace.", "X", "x", "It is `NotFound` or Forbidden, by `$/logTrace`."},
		{"See https://example.com/UserCode (RFC 1).", "X", "x", "See https://example.com/UserCode (RFC 1)."},
		{"Two:\n  - one\n  - two\n\nThen:\n\n\tcode", "X", "x", "Two:\n\n- one\n- two\n\nThen:\n\n    code"},
		{"", "X", "x", ""},
	} {
		if got := p.doc(test.text, test.self, test.as, fields); got != test.want {
			t.Errorf("%q:\ngot  %q\nwant %q", test.text, got, test.want)
		}
	}
}

func TestTheMeaningDoesNotRepeatTheName(t *testing.T) {
	p := newPage(&Model{
		Methods: []Method{{Name: "$/logTrace"}},
		Types:   []Struct{{Name: "T", Fields: []Field{{Name: "userCode"}}}},
	})
	for _, test := range []struct{ doc, want string }{
		{"`x` is where it is.", "Where it is."},
		{"`x` are those.", "Those."},
		{"`x` may be left out.", "May be left out."},
		{"`x` says so.", "Says so."},
		{"`x` begins, or ends.", "Begins, or ends."},
		{"`x` have none.", "`x` have none."},
		{"`x` and `y` are both.", "`x` and `y` are both."},
		{"Something else, $HOME and NO_PROXY.", "Something else, `$HOME` and `NO_PROXY`."},
		{"By `$/logTrace`, with userCode or otherWord.", "By [`$/logTrace`](#logtrace), with `userCode` or otherWord."},
		{"", ""},
	} {
		if got := p.about(test.doc, "x"); got != test.want {
			t.Errorf("%q: got %q, want %q", test.doc, got, test.want)
		}
	}
}
