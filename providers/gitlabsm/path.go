package gitlabsm

import (
	"net/url"
	"strings"
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
	if rest, ok := strings.CutPrefix(path, apiRoot[1:]+"/"); ok {
		path = rest
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
	target, err := url.Parse(instance + apiRoot + "/" + path)
	if err != nil {
		return nil, invalid("path %q is not a URL path", path)
	}
	target.RawQuery = query
	return target, nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// leaves reports whether path has, under any number of escapes, a part that
// means "here" or "up", or an empty part, which some servers fold.
func leaves(path string) bool {
	for {
		for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
			if name, _, _ := strings.Cut(part, ";"); name == "." || name == ".." {
				return true
			}
		}
		decoded, err := url.PathUnescape(path)
		if err != nil || decoded == path {
			return strings.Contains(path, "//")
		}
		path = decoded
	}
}
