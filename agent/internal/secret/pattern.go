package secret

import (
	"regexp"
	"strings"
	"sync"
)

// headers are the names, in lower case without punctuation, of the HTTP headers
// that are secret up to the end of the line.
var headers = names("authorization", "proxyauthorization", "cookie", "setcookie")

// secretNames are the names, spelt likewise, of parameters in URLs, forms and JSON
// that carry a secret: OAuth's and this protocol's, and GitLab's cookie.
var secretNames = names("code", "codeverifier", "state", "devicecode", "usercode", "callbackurl", "gitlabsession")

// secretEndings end the names of others: client_secret, id_token, and GitLab's
// headers PRIVATE-TOKEN, JOB-TOKEN and DEPLOY-TOKEN
// (https://docs.gitlab.com/api/rest/authentication/).
var secretEndings = []string{"secret", "token", "password"}

func names(list ...string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, name := range list {
		set[name] = true
	}
	return set
}

// isSecretName reports whether what has that name is a secret.
func isSecretName(name string) bool {
	name = spelling(name)
	return headers[name] || carriesSecret(name)
}

func carriesSecret(spelt string) bool {
	if secretNames[spelt] {
		return true
	}
	for _, ending := range secretEndings {
		if strings.HasSuffix(spelt, ending) {
			return true
		}
	}
	return false
}

// spelling brings client_secret, clientSecret and CLIENT-SECRET to one spelling.
func spelling(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_' || r == '-':
			return -1
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return r
	}, name)
}

// parameters finds the values of headers and parameters that carry a secret: each
// value stands after a colon or an equals sign, and its name before that.
func parameters(text string, mark func(from, to int)) {
	for at := strings.IndexAny(text, ":="); at >= 0 && at < len(text); at++ {
		if text[at] != ':' && text[at] != '=' {
			continue
		}
		name := nameBefore(text[:at])
		isHeader := headers[name]
		if !isHeader && !carriesSecret(name) {
			continue
		}
		from := at + len(text[at:]) - len(strings.TrimLeft(text[at:], ":=> \t"))
		to := endOfValue(text, from)
		if isHeader && from < len(text) && !strings.ContainsRune(openers, rune(text[from])) {
			to = endOfLine(text, from)
		}
		if !isPlain(text[from:to]) {
			mark(from, to)
		}
	}
}

// nameBefore returns the name at the end of a text, in one spelling. What comes
// after a slash is a path's: "Post https://gitlab.example.com/oauth/token: …".
func nameBefore(text string) string {
	text = strings.TrimRight(text, " \t\\\"'`]")
	from := len(text)
	for from > 0 && (isAlphanumeric(text[from-1]) || text[from-1] == '_' || text[from-1] == '-') {
		from--
	}
	if from > 0 && text[from-1] == '/' {
		return ""
	}
	return spelling(text[from:])
}

// openers begin a value that has an end of its own.
const openers = "\"'`[{"

// endOfValue returns where the value ends that begins at an index.
func endOfValue(text string, from int) int {
	if from == len(text) {
		return from
	}
	switch text[from] {
	case '"', '\'', '`':
		return endOfQuoted(text, from)
	case '[', '{':
		return endOfList(text, from)
	}
	if length := strings.IndexAny(text[from:], " \t\r\n&\"'`<>"); length >= 0 {
		return from + length
	}
	return len(text)
}

func endOfQuoted(text string, from int) int {
	for at := from + 1; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case text[from]:
			return at + 1
		}
	}
	return len(text)
}

// endOfList finds the end of a list or an object, as JSON and Go print them.
func endOfList(text string, from int) int {
	depth := 0
	for at := from; at < len(text); at++ {
		switch text[at] {
		case '"':
			at = endOfQuoted(text, at) - 1
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return at + 1
			}
		}
	}
	return len(text)
}

func endOfLine(text string, from int) int {
	if length := strings.IndexAny(text[from:], "\r\n"); length >= 0 {
		return from + length
	}
	return len(text)
}

// plain are values that are no secret: an error has a code, too.
var plain = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^["']?(?:-?\d{1,5}|null|true|false|)["']?[,;.)\]}]*$`)
})

func isPlain(value string) bool { return plain().MatchString(value) }

// tokenForms are what a secret looks like. Each begins with a literal where it can:
// regexp looks for that first, and fast.
var tokenForms = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		// GitLab's prefixes (https://docs.gitlab.com/security/tokens/#token-prefixes),
		// which an instance may put one of its own before.
		regexp.MustCompile(`gl(?:pat|oas|dt|rtr?|cbt|ptt|ft|imt|agent|wt|soat|ffct)-[\w.=-]{8,}`),
		// The user and password of a URL (RFC 3986 section 3.2.1). "git" is SSH's.
		regexp.MustCompile(`://([^\s/?#"'<>]+)@`),
		// A JSON Web Token (RFC 7519), such as an id_token.
		regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*`),
		// Credentials without their header (RFC 6750 section 2.1, RFC 7617 section 2).
		regexp.MustCompile(`earer\s+([\w.~+/=-]{16,})`),
		regexp.MustCompile(`asic\s+([\w.~+/=-]{16,})`),
	}
})

// tokens finds what looks like a secret.
func tokens(text string, mark func(from, to int)) {
	for _, form := range tokenForms() {
		for _, at := range form.FindAllStringSubmatchIndex(text, -1) {
			from, to := at[0], at[1]
			if len(at) > 2 {
				from, to = at[2], at[3]
			}
			if text[from:to] != "git" {
				mark(from, to)
			}
		}
	}
}
