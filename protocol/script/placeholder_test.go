package script

import "testing"

func TestPlaceholdersOutsideOfStringsBecomeStrings(t *testing.T) {
	for _, test := range []struct{ text, want, name string }{
		{`${any}`, `"${any}"`, "any"},
		{`"${bind:x}"`, `"${bind:x}"`, "bind:x"},
		{`{"port": ${busy}, "url": "${a}/${b}"}`, `{"port": "${busy}", "url": "${a}/${b}"}`, ""},
		{`"${contains:${gitlab}}"`, `"${contains:${gitlab}}"`, ""},
		{`"\"${a}\""`, `"\"${a}\""`, ""},
		{`"${a}${b}"`, `"${a}${b}"`, ""},
		{`"$ {plain} \\"`, `"$ {plain} \\"`, ""},
		{`7`, `7`, ""},
	} {
		v, err := readJSON(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if v.String() != test.want || v.Placeholder() != test.name {
			t.Errorf("%s: got %s, with the name %q", test.text, v, v.Placeholder())
		}
	}
}
