package gitlabsm

import (
	"net/url"
	"regexp"
	"strings"
	"sync"
)

const apiRoot = "/api/v4"

// apiURL joins a path to the API of an instance. The path is what follows
// /api/v4; it may also begin with that. Escapes are kept as they are, since a
// project's path is one segment with %2F in it.
//
// No spelling leads out of the API: a part that is "." or ".." is refused however
// often it is escaped, since a proxy before GitLab may undo one layer of that.
func apiURL(instance, path string) (*url.URL, error) {
	path, query, _ := strings.Cut(path, "?")
	path = strings.TrimPrefix(path, "/")
	if rest, ok := strings.CutPrefix(path+"/", apiRoot[1:]+"/"); ok {
		path = strings.TrimSuffix(rest, "/")
	}
	if path == "" {
		return nil, invalid("path is empty; it names what to ask for, such as /user")
	}
	if strings.ContainsAny(path, "#\\") || strings.ContainsFunc(path, isControl) {
		return nil, invalid("path %q has a character that does not belong in a path", path)
	}
	if leaves(path) {
		return nil, invalid("path %q leads out of %s", path, apiRoot)
	}
	target, err := url.Parse(instance + apiRoot + "/" + escapeRest(path))
	if err != nil {
		return nil, invalid("path %q is not a URL path", path)
	}
	target.RawQuery = query
	return target, nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// notInPath are the characters that net/url escapes in a path. Where it finds
// one, it escapes the whole path anew, and a %2F within a project's path becomes
// a slash: so they are escaped here.
var notInPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^!$%&'()*+,/:;=@\[\]A-Za-z0-9._~-]`) })

func escapeRest(path string) string {
	return notInPath().ReplaceAllStringFunc(path, url.PathEscape)
}

var escaped = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("%[0-9A-Fa-f]{2}") })

// unescape undoes one layer of escapes. What is none stays, as with a lenient
// server: in %25zz%252e the first layer hides no second one.
func unescape(path string) string {
	return escaped().ReplaceAllStringFunc(path, func(e string) string {
		char, _ := url.PathUnescape(e) // an escape always decodes
		return char
	})
}

// leaves reports whether path has, under any number of escapes, a part that
// means "here" or "up", or an empty part, which some servers fold.
func leaves(path string) bool {
	path = "/" + path
	for {
		for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
			if name, _, _ := strings.Cut(part, ";"); name == "." || name == ".." {
				return true
			}
		}
		decoded := unescape(path)
		if decoded == path {
			return strings.Contains(path, "//")
		}
		path = decoded
	}
}
