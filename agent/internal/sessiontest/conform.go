package sessiontest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// checkConformance compares every message of the agents with its declaration in
// package protocol, from which the editors' types are generated: no field that
// is not declared, none missing that has to be there, no null in place of a list.
func (s *session) checkConformance() error {
	declared := map[string]protocol.Declaration{}
	for _, d := range protocol.Declarations() {
		declared[d.Method] = d
	}
	var errs []error
	for _, w := range s.every {
		for _, m := range w.editor.Messages() {
			if err := conforms(m, declared); err != nil {
				errs = append(errs, fmt.Errorf("%s: not as package protocol declares it: %w:\n    <- %s",
					s.script.Name, err, clip(string(m.Raw), maxShown)))
			}
		}
	}
	return errors.Join(errs...)
}

func conforms(m *Message, declared map[string]protocol.Declaration) error {
	d, ok := declared[m.Method]
	switch {
	case m.Error != nil && m.Error.Data != nil:
		return conform(reflect.TypeFor[protocol.ErrorData](), m.Error.Data)
	case m.Error != nil:
		_, err := m.Error.errorName()
		return err
	case m.IsResponse():
		d, ok = declared[m.Answers]
		if !ok || d.Result == nil {
			return nil // a response to something that a script made up
		}
		return conform(d.Result, m.Result)
	case !ok || d.Direction == protocol.ToAgent || d.IsRequest() != m.IsRequest():
		return errors.New("the agent does not send this method")
	case m.Params == nil && d.Params == reflect.TypeFor[protocol.Null]():
		return nil
	}
	return conform(d.Params, m.Params)
}

func conform(t reflect.Type, data []byte) error {
	if err := json.Unmarshal(data, reflect.New(t).Interface()); err != nil {
		return err
	}
	v, err := script.ParseValue(data)
	if err != nil {
		return err
	}
	return conformValue("", t, v)
}

// conformValue checks what decoding does not: that fields are there and known,
// and what is null.
func conformValue(path string, t reflect.Type, v *script.Value) error {
	isNull := v.Kind == script.Scalar && v.Text == "null"
	if t.Kind() == reflect.Pointer {
		if isNull {
			return nil
		}
		t = t.Elem()
	}
	if t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Kind() == reflect.Interface {
		return nil // has rules of its own
	}
	if isNull {
		return fmt.Errorf("%s is null", orRoot(path))
	}
	switch t.Kind() {
	case reflect.Struct:
		return conformStruct(path, t, v)
	case reflect.Slice, reflect.Map:
		for i, member := range v.Values {
			at := fmt.Sprintf("%s[%d]", path, i)
			if v.Kind == script.Object {
				at = path + "." + v.Keys[i]
			}
			if err := conformValue(at, t.Elem(), member); err != nil {
				return err
			}
		}
	}
	return nil
}

func conformStruct(path string, t reflect.Type, v *script.Value) error {
	known := map[string]bool{}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		known[name] = true
		member := v.Field(name)
		if member == nil {
			if !strings.Contains(options, "omit") {
				return fmt.Errorf("%s.%s is missing", path, name)
			}
			continue
		}
		if err := conformValue(path+"."+name, field.Type, member); err != nil {
			return err
		}
	}
	for _, key := range v.Keys {
		if !known[key] {
			return fmt.Errorf("%s.%s is not declared", path, key)
		}
	}
	return nil
}
