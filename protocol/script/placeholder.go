package script

import (
	"fmt"
	"regexp"
	"strings"
)

// Placeholders finds the innermost ${…} of a text, and in its group their names.
var Placeholders = regexp.MustCompile(`\$\{([^${}]*)\}`)

// Placeholder returns the name within ${…} where the whole value is one.
func (v *Value) Placeholder() string {
	if v.Kind != Text {
		return ""
	}
	parts := Placeholders.FindStringSubmatch(v.Text)
	if parts == nil || parts[0] != v.Text {
		return ""
	}
	return parts[1]
}

// readJSON reads a JSON text whose variables are not yet known. An empty one is
// fine, and nil.
func readJSON(text string) (*Value, error) {
	if text == "" {
		return nil, nil
	}
	v, err := ParseValue([]byte(quotePlaceholders(text)))
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	return v, nil
}

// quotePlaceholders puts quotes round placeholders that stand outside of strings,
// so that the text is JSON.
func quotePlaceholders(text string) string {
	var b strings.Builder
	inString := false
	for i := 0; i < len(text); i++ {
		switch {
		case inString && text[i] == '\\' && i+1 < len(text):
			b.WriteString(text[i : i+2])
			i++
			continue
		case text[i] == '"':
			inString = !inString
		case !inString && text[i] == '$':
			if at := Placeholders.FindStringIndex(text[i:]); at != nil && at[0] == 0 {
				b.WriteString(`"` + text[i:i+at[1]] + `"`)
				i += at[1] - 1
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
