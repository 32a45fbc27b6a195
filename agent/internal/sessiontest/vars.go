package sessiontest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// variables are the named strings of a running script.
type variables map[string]string

// expand puts the values of variables into a text. Patterns, such as ${any}, are
// left as they are where the text is one of a pattern.
func (v variables) expand(s string, pattern bool) (string, error) {
	return v.replace(s, pattern, func(value string) string { return value })
}

// expandJSON is expand for a text in JSON.
func (v variables) expandJSON(s string, pattern bool) (string, error) {
	return v.replace(s, pattern, func(value string) string {
		quoted := script.Quote(value)
		return quoted[1 : len(quoted)-1]
	})
}

func (v variables) replace(s string, pattern bool, escape func(string) string) (string, error) {
	var missing error
	s = script.Placeholders.ReplaceAllStringFunc(s, func(match string) string {
		name := match[2 : len(match)-1]
		if value, ok := v[name]; ok {
			return escape(value)
		}
		if !pattern || !isWildcard(name) {
			missing = cmp.Or(missing, fmt.Errorf("there is no variable %s; there are %s", match, v.names()))
		}
		return match
	})
	return s, missing
}

func (v variables) names() string {
	var names []string
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// shortest is the length from which on a value is recognised in a received text:
// shorter ones are there by chance.
const shortest = 6

// collapse is the opposite of expand: it puts variables in place of their values,
// the longest first.
func (v variables) collapse(s string) string {
	var names []string
	for name, value := range v {
		if len(value) >= shortest {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(len(v[b])-len(v[a]), len(a)-len(b), strings.Compare(a, b))
	})
	for _, name := range names {
		s = strings.ReplaceAll(s, v[name], "${"+name+"}")
	}
	return s
}
