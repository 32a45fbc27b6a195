package sessiontest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// wildcards are the patterns that stand for a piece of a string. Those of
// [wholes] do so for a whole value.
var wildcards = map[string]string{
	"any": `.*`, "string": `.+`, "number": `-?[0-9.]+`, "port": `[0-9]{1,5}`, "time": timeExpr,
}

const timeExpr = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z`

// isWildcard reports whether ${name} is a pattern and not a variable.
func isWildcard(name string) bool {
	_, ok := wildcards[name]
	return ok || name == "absent" || name == "rest" ||
		strings.HasPrefix(name, "bind:") || strings.HasPrefix(name, "contains:")
}

// A matcher compares a pattern with a value, and keeps what differs.
type matcher struct {
	vars  variables
	bound variables // what ${bind:…} took; for vars if all matches
	diffs []string
}

// match compares, and on success binds. It returns the differences.
func match(pattern, actual *script.Value, vars variables) []string {
	m := &matcher{vars: vars, bound: variables{}}
	m.match("", pattern, actual)
	if m.diffs == nil {
		maps.Copy(vars, m.bound)
	}
	return m.diffs
}

func (m *matcher) match(path string, want, got *script.Value) {
	name := want.Placeholder()
	switch {
	case name != "":
		m.whole(path, name, want, got)
	case want.Kind != got.Kind:
		m.differ(path, want, got)
	case want.Kind == script.Object:
		m.object(path, want, got)
	case want.Kind == script.Array:
		m.array(path, want, got)
	case want.Kind == script.Text:
		m.text(path, want, got)
	case want.Text != got.Text:
		m.differ(path, want, got)
	}
}

// whole matches a value with a pattern that stands for all of it.
func (m *matcher) whole(path, name string, want, got *script.Value) {
	ok := true
	switch name {
	case "any":
	case "absent":
		ok = false
	case "number":
		ok = got.Kind == script.Scalar && strings.ContainsAny(got.Text[:1], "-0123456789")
	case "time":
		if ok = got.Kind == script.Text && wholly(timeExpr).MatchString(got.Text); ok {
			_, err := time.Parse(time.RFC3339Nano, got.Text)
			ok = err == nil
		}
	default:
		if bind, is := strings.CutPrefix(name, "bind:"); is && got.Kind < script.Array {
			ok = m.bind(bind, got.Text)
			break
		}
		m.text(path, want, got)
		return
	}
	if !ok {
		m.differ(path, want, got)
	}
}

// text matches a string with one that may hold wildcards.
func (m *matcher) text(path string, want, got *script.Value) {
	expr, names := stringExpr(want.Text)
	found := []string(nil)
	if got.Kind == script.Text {
		found = expr.FindStringSubmatch(got.Text)
	}
	if found == nil {
		m.differ(path, want, got)
		return
	}
	for i, name := range names {
		if !m.bind(name, found[i+1]) {
			m.differ(path, want, got)
		}
	}
}

// bind takes a value for a variable, or compares it with the one it has.
func (m *matcher) bind(name, value string) bool {
	for _, vars := range []variables{m.vars, m.bound} {
		if known, ok := vars[name]; ok {
			return known == value
		}
	}
	m.bound[name] = value
	return true
}

// stringExpr turns a string with wildcards into a regular expression with a
// group for each ${bind:…}, and the names of these.
func stringExpr(pattern string) (*regexp.Regexp, []string) {
	var expr strings.Builder
	var names []string
	rest := pattern
	for {
		at := script.Placeholders.FindStringIndex(rest)
		if at == nil {
			expr.WriteString(regexp.QuoteMeta(rest))
			return wholly(expr.String()), names
		}
		expr.WriteString(regexp.QuoteMeta(rest[:at[0]]))
		name := rest[at[0]+2 : at[1]-1]
		if bind, ok := strings.CutPrefix(name, "bind:"); ok {
			names = append(names, bind)
			expr.WriteString(`(.+?)`)
		} else if part, ok := strings.CutPrefix(name, "contains:"); ok {
			expr.WriteString(`.*` + regexp.QuoteMeta(part) + `.*`)
		} else {
			expr.WriteString(wildcards[name])
		}
		rest = rest[at[1]:]
	}
}

func wholly(expr string) *regexp.Regexp { return regexp.MustCompile(`(?s)\A` + expr + `\z`) }

// object matches the fields that the pattern names; others may be there.
func (m *matcher) object(path string, want, got *script.Value) {
	for i, key := range want.Keys {
		member, there := want.Values[i], got.Field(key)
		switch below := path + "." + key; {
		case member.Placeholder() == "absent":
			if there != nil {
				m.diffs = append(m.diffs, fmt.Sprintf("%s: want no such field, got %s", below, there))
			}
		case there == nil:
			m.diffs = append(m.diffs, fmt.Sprintf("%s: want %s, but the field is missing", below, member))
		default:
			m.match(below, member, there)
		}
	}
}

// array matches element by element, up to a ${rest} that ends the pattern.
func (m *matcher) array(path string, want, got *script.Value) {
	expected := want.Values
	if n := len(expected); n > 0 && expected[n-1].Placeholder() == "rest" && len(got.Values) >= n-1 {
		expected = expected[:n-1]
	} else if n != len(got.Values) {
		m.diffs = append(m.diffs, fmt.Sprintf("%s: want %d elements, got %d: %s", orRoot(path), n, len(got.Values), got))
		return
	}
	for i, element := range expected {
		m.match(fmt.Sprintf("%s[%d]", path, i), element, got.Values[i])
	}
}

func (m *matcher) differ(path string, want, got *script.Value) {
	diff := fmt.Sprintf("%s: want %s, got %s", orRoot(path), want, got)
	if !slices.Contains(m.diffs, diff) {
		m.diffs = append(m.diffs, diff)
	}
}

func orRoot(path string) string {
	if path == "" {
		return "the value"
	}
	return path
}
