package auth

import "testing"

func TestRedirectElsewhere(t *testing.T) {
	for configured, want := range map[string]string{
		"":                               "",
		"http://127.0.0.1:29630/x":       "",
		"http://localhost:7000/x":        "",
		"https://relay.example.com/back": "https://relay.example.com",
		"vscode://publisher.name/back":   "vscode://publisher.name",
		"com.example.editor:/oauth":      "com.example.editor:",
		"https://RELАY.example.com:8443": "https://xn--rely-73d.example.com:8443", // with a Cyrillic А
		"https://relay%e2%80%ae.example": `https://"relay\u202e.example"`,
	} {
		if got := RedirectElsewhere(configured); got != want {
			t.Errorf("%q comes back by way of %q, want %q", configured, got, want)
		}
	}
}
