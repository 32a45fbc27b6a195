package team

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/tailscale/hujson"
)

// decodeStrict reads JSON, with comments and trailing commas, into a struct, and
// says of whatever does not fit where it is: an unknown field, one that is there
// twice, a value of another type. encoding/json knows no place for the first two.
func decodeStrict(file *source, into any) error {
	tree, err := hujson.Parse(file.text)
	if err != nil {
		return file.syntax(err)
	}
	if err := file.fits(tree, reflect.TypeOf(into).Elem(), ""); err != nil {
		return err
	}
	file.tree = tree.Clone()
	tree.Standardize()
	return json.Unmarshal(tree.Pack(), into)
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
		return file.membersFit(value, t, what)
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
	}
	return nil
}

// literalKinds are the kinds of JSON's literals that a file has. A number or null
// fits nowhere.
var literalKinds = map[hujson.Kind]reflect.Kind{'"': reflect.String, 't': reflect.Bool, 'f': reflect.Bool}

func (file *source) membersFit(object *hujson.Object, t reflect.Type, what string) error {
	types := map[string]reflect.Type{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		types[name] = t.Field(i).Type
	}
	seen := map[string]bool{}
	for _, member := range object.Members {
		name := member.Name.Value.(hujson.Literal).String()
		of, known := types[name]
		switch {
		case seen[name]:
			return file.at(member.Name.StartOffset, "%q is there twice", name)
		case !known && isSecret(name):
			return file.secret(member.Name.StartOffset, name)
		case !known:
			return file.at(member.Name.StartOffset, "there is no field %q%s", name, suggestion(name, types))
		}
		seen[name] = true
		if err := file.fits(member.Value, of, strings.TrimPrefix(what+"."+name, ".")); err != nil {
			return err
		}
	}
	return nil
}

// suggestion names the field that is meant where only the case is another.
func suggestion(name string, types map[string]reflect.Type) string {
	for known := range types {
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
