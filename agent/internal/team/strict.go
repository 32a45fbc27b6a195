package team

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"

	"github.com/teamcodestream/codestream-agent/agent/internal/wire"
)

// decodeStrict reads JSON, with comments and trailing commas, into a struct, and
// says of whatever does not fit where it is: an unknown field, one that is there
// twice or is missing, a value of another type. encoding/json knows no place for
// these but the last.
func decodeStrict(file *source, into any) error {
	if offset := notUTF8(file.text); offset >= 0 {
		return file.at(offset, "the file is not in UTF-8")
	}
	if offset := tooDeep(file.text); offset >= 0 {
		return file.at(offset, "there are more than %d lists and objects in one another", maxDepth)
	}
	tree, err := hujson.Parse(file.text)
	if err != nil {
		return file.syntax(err)
	}
	if err := file.fits(tree, reflect.TypeOf(into).Elem(), ""); err != nil {
		return err
	}
	file.tree = tree
	standard, err := hujson.Standardize(slices.Clone(file.text)) // which writes over the comments
	if err != nil {
		return file.syntax(err)
	}
	return json.Unmarshal(standard, into)
}

// notUTF8 returns the offset of the first byte that is no UTF-8, or -1.
func notUTF8(text []byte) int {
	for offset := 0; offset < len(text); {
		r, size := utf8.DecodeRune(text[offset:])
		if r == utf8.RuneError && size == 1 {
			return offset
		}
		offset += size
	}
	return -1
}

// maxDepth bounds how deep lists and objects lie in one another: a file has four. A
// parser that calls itself for each takes long, and much memory, for thousands.
const maxDepth = 8

// tooDeep returns the offset of the first bracket that lies too deep, or -1. It knows
// strings and comments; what is none of JSON's is for the parser to say, which gets no
// deeper before it does.
func tooDeep(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '[', '{':
			if depth++; depth > maxDepth {
				return i
			}
		case ']', '}':
			depth--
		case '"':
			i += endOf(text[i:], `"`)
		case '/':
			if bytes.HasPrefix(text[i:], []byte("//")) {
				i += endOf(text[i:], "\n")
			} else if bytes.HasPrefix(text[i:], []byte("/*")) {
				i += 1 + endOf(text[i+1:], "*/")
			}
		}
	}
	return -1
}

// endOf returns where a string or a comment ends that the text begins with: at the last
// byte of the mark that ends it.
func endOf(text []byte, mark string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case mark == `"` && text[i] == '\\':
			i++
		case bytes.HasPrefix(text[i:], []byte(mark)):
			return i + len(mark) - 1
		}
	}
	return len(text)
}

// fits reports whether a value has the form of a type. what names the value.
func (file *source) fits(v hujson.Value, t reflect.Type, what string) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch value := v.Value.(type) {
	case *hujson.Object:
		if t.Kind() != reflect.Struct {
			return file.at(v.StartOffset, "%s is an object; it has to be %s", orFile(what), kind(t))
		}
		return file.membersFit(value, t, what, v.StartOffset)
	case *hujson.Array:
		if t.Kind() != reflect.Slice {
			return file.at(v.StartOffset, "%s is a list; it has to be %s", orFile(what), kind(t))
		}
		for i, element := range value.Elements {
			if err := file.fits(element, t.Elem(), fmt.Sprintf("%s[%d]", what, i)); err != nil {
				return err
			}
		}
	case hujson.Literal:
		if literalKinds[value.Kind()] != t.Kind() {
			return file.at(v.StartOffset, "%s has to be %s", orFile(what), kind(t))
		}
		if strings.ContainsFunc(value.String(), isHidden) { // which would not look like what it is
			return file.at(v.StartOffset, "%s has characters that are not shown", what)
		}
	}
	return nil
}

// literalKinds are the kinds of JSON's literals that a file has. A number or null
// fits nowhere.
var literalKinds = map[hujson.Kind]reflect.Kind{'"': reflect.String, 't': reflect.Bool, 'f': reflect.Bool}

func (file *source) membersFit(object *hujson.Object, t reflect.Type, what string, start int) error {
	fields := wire.Fields(t)
	seen := map[string]bool{}
	for _, member := range object.Members {
		name := member.Name.Value.(hujson.Literal).String()
		field, known := fields[name]
		switch {
		case seen[name]:
			return file.at(member.Name.StartOffset, "%s is there twice", quote(name))
		case !known && isSecret(name):
			return file.secret(member.Name.StartOffset, name)
		case !known:
			return file.at(member.Name.StartOffset, "there is no field %s%s", quote(name), suggestion(name, fields))
		}
		seen[name] = true
		if err := file.fits(member.Value, field.Type, strings.TrimPrefix(what+"."+name, ".")); err != nil {
			return err
		}
	}
	for name, field := range fields {
		if wire.IsRequired(field) && !seen[name] {
			return file.at(start, "%s lacks %q", orFile(what), name)
		}
	}
	return nil
}

// isSecret reports whether a field would hold a secret: everybody who has the file
// can read it.
func isSecret(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"secret", "token", "password", "passwd", "credential"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// suggestion names the field that is meant where only the case is another.
func suggestion(name string, fields map[string]reflect.StructField) string {
	for known := range fields {
		if strings.EqualFold(known, name) {
			return fmt.Sprintf("; it is written %q", known)
		}
	}
	return ""
}

func kind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

func orFile(what string) string {
	if what == "" {
		return "the whole"
	}
	return what
}
