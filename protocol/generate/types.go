package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// scalar is a string, a number or a boolean.
var scalar = []Type{{Kind: String}, {Kind: Number}, {Kind: Boolean}}

// special are the types whose JSON form reflection does not tell.
var special = map[reflect.Type]Type{
	reflect.TypeFor[protocol.Null]():          {Kind: Null},
	reflect.TypeFor[struct{}]():               {Kind: Empty},
	reflect.TypeFor[time.Time]():              {Kind: Time},
	reflect.TypeFor[json.RawMessage]():        {Kind: Any},
	reflect.TypeFor[protocol.ProgressToken](): {Kind: Union, Of: []Type{{Kind: String}, {Kind: Integer}}},
	reflect.TypeFor[protocol.QueryValue](): {Kind: Union, Of: append(slices.Clone(scalar),
		Type{Kind: List, Elem: &Type{Kind: Union, Of: scalar}})},
}

// typeOf returns the type of a Go type, and adds what it refers to.
func (l *loader) typeOf(t reflect.Type) (Type, error) {
	if known, ok := special[t]; ok {
		if known.Kind == Union {
			return l.alias(t, known), nil
		}
		return known, nil
	}
	if t.Kind() == reflect.Pointer {
		typ, err := l.typeOf(t.Elem())
		typ.Nullable = true
		return typ, err
	}
	if hasOwnJSON(t) {
		return Type{}, fmt.Errorf("%s has a JSON form of its own: describe it in types.go", t)
	}
	if t.PkgPath() != "" && t.Kind() != reflect.Struct {
		return l.enum(t)
	}
	switch t.Kind() {
	case reflect.String:
		return Type{Kind: String}, nil
	case reflect.Bool:
		return Type{Kind: Boolean}, nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return Type{Kind: Integer}, nil
	case reflect.Float64:
		return Type{Kind: Number}, nil
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			elem, err := l.typeOf(t.Elem())
			return Type{Kind: List, Elem: &elem}, err
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			elem, err := l.typeOf(t.Elem())
			return Type{Kind: Map, Elem: &elem}, err
		}
	case reflect.Struct:
		if t.Name() != "" {
			return l.structure(t)
		}
	}
	return Type{}, fmt.Errorf("%s has no place in the protocol", t)
}

func hasOwnJSON(t reflect.Type) bool {
	for _, own := range []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler]()} {
		if t.Implements(own) || reflect.PointerTo(t).Implements(own) {
			return true
		}
	}
	return false
}

func (l *loader) alias(t reflect.Type, of Type) Type {
	if !l.seen[t.Name()] {
		l.seen[t.Name()] = true
		doc := l.prose.doc(l.src.types[t.Name()], t.Name(), t.Name(), nil)
		l.model.Aliases = append(l.model.Aliases, Alias{t.Name(), doc, of})
	}
	return Type{Kind: Ref, Name: t.Name()}
}

func (l *loader) enum(t reflect.Type) (Type, error) {
	ref := Type{Kind: Ref, Name: t.Name()}
	if l.seen[t.Name()] {
		return ref, nil
	}
	l.seen[t.Name()] = true
	e := Enum{Name: t.Name(), Doc: l.prose.doc(l.src.types[t.Name()], t.Name(), t.Name(), nil)}
	switch t.Kind() {
	case reflect.String:
		e.Kind = String
	case reflect.Int:
		e.Kind = Integer
	default:
		return ref, fmt.Errorf("%s has no place in the protocol", t)
	}
	for _, c := range l.src.consts[t.Name()] {
		if c.value == nil {
			return ref, fmt.Errorf("%s: the value of %s is not a literal", t, c.name)
		}
		doc := l.prose.doc(c.comment, c.name, c.name, nil)
		e.Values = append(e.Values, EnumValue{c.name, c.value, upperFirst(doc)})
	}
	if len(e.Values) == 0 {
		return ref, fmt.Errorf("%s has no constants", t)
	}
	l.model.Enums = append(l.model.Enums, e)
	return ref, nil
}

func (l *loader) structure(t reflect.Type) (Type, error) {
	ref := Type{Kind: Ref, Name: t.Name()}
	if l.seen[t.Name()] {
		return ref, nil
	}
	l.seen[t.Name()] = true
	names, err := wireNames(t)
	if err != nil {
		return ref, err
	}
	s := Struct{Name: t.Name(), Doc: l.prose.doc(l.src.types[t.Name()], t.Name(), t.Name(), names)}
	for i := range t.NumField() {
		f := t.Field(i)
		name, ok := names[f.Name]
		if !ok {
			continue
		}
		field := Field{
			Name: name, GoName: f.Name, Optional: isOptional(f),
			Doc: l.prose.doc(l.src.fields[t.Name()][f.Name], f.Name, name, names),
		}
		if field.Type, err = l.typeOf(f.Type); err != nil {
			return ref, fmt.Errorf("%s.%s: %w", t.Name(), f.Name, err)
		}
		s.Fields = append(s.Fields, field)
	}
	l.model.Types = append(l.model.Types, s)
	return ref, nil
}

// wireNames maps the Go names of a struct's fields to those on the wire.
func wireNames(t reflect.Type) (map[string]string, error) {
	names := map[string]string{}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous:
			return nil, fmt.Errorf("%s.%s is embedded: name its fields", t.Name(), f.Name)
		case !f.IsExported() || tag == "-":
			continue
		case name == "":
			return nil, fmt.Errorf("%s.%s has no name in a json tag", t.Name(), f.Name)
		case slices.Contains(strings.Split(options, ","), "string"):
			return nil, fmt.Errorf("%s.%s: the option string has no place in the protocol", t.Name(), f.Name)
		}
		names[f.Name] = name
	}
	return names, nil
}

func isOptional(f reflect.StructField) bool {
	options := strings.Split(f.Tag.Get("json"), ",")[1:]
	return slices.Contains(options, "omitempty") || slices.Contains(options, "omitzero")
}
