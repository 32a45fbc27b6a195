package main

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// load builds the model of package protocol: reflection gives the shapes, the
// source in dir the comments.
func load(dir string) (*Model, error) {
	src, err := readSource(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, code := range protocol.Codes() {
		names = append(names, code.Name())
	}
	l := newLoader(src, names)
	if err := l.methods(protocol.Declarations()); err != nil {
		return nil, err
	}
	if l.model.ErrorData, err = l.typeOf(reflect.TypeFor[protocol.ErrorData]()); err != nil {
		return nil, err
	}
	if _, err := l.typeOf(reflect.TypeFor[protocol.InstanceFile]()); err != nil {
		return nil, err
	}
	if err := l.errors(protocol.Codes()); err != nil {
		return nil, err
	}
	return l.sorted(), nil
}

// loader fills a model. Names that it has met are in seen, so that a type may
// refer to itself.
type loader struct {
	src   *source
	prose prose
	seen  map[string]bool
	model Model
}

func newLoader(src *source, codes []string) *loader {
	return &loader{src: src, prose: newProse(src, codes), seen: map[string]bool{}}
}

func (l *loader) sorted() *Model {
	slices.SortFunc(l.model.Types, func(a, b Struct) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(l.model.Aliases, func(a, b Alias) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(l.model.Enums, func(a, b Enum) int { return cmp.Compare(a.Name, b.Name) })
	return &l.model
}

var senders = map[protocol.Direction]Sender{
	protocol.ToAgent: FromEditor, protocol.ToEditor: FromAgent, protocol.BothWays: FromBoth,
}

func (l *loader) methods(declarations []protocol.Declaration) error {
	for _, d := range declarations {
		v, ok := l.src.methods[d.Method]
		if !ok {
			return fmt.Errorf("%s: no variable of package protocol declares it with a literal name", d.Method)
		}
		m := Method{
			Name: d.Method, GoName: v.goName, From: senders[d.Direction],
			Doc: l.prose.doc(v.comment, v.goName, d.Method, nil),
		}
		var err error
		if m.Params, err = l.typeOf(d.Params); err != nil {
			return fmt.Errorf("params of %s: %w", d.Method, err)
		}
		if d.IsRequest() {
			result, err := l.typeOf(d.Result)
			if err != nil {
				return fmt.Errorf("result of %s: %w", d.Method, err)
			}
			m.Result = &result
		}
		l.model.Methods = append(l.model.Methods, m)
	}
	return nil
}

func (l *loader) errors(codes []protocol.Code) error {
	comments := map[int64]constant{}
	for _, c := range l.src.consts["Code"] {
		if n, ok := c.value.(int64); ok {
			comments[n] = c
		}
	}
	for _, code := range codes {
		c, ok := comments[int64(code)]
		if !ok {
			return fmt.Errorf("code %d (%s): no constant of package protocol declares it", int(code), code.Name())
		}
		if c.name != code.Name() {
			return fmt.Errorf("code %d: the constant is called %s, but its name on the wire is %s", int(code), c.name, code.Name())
		}
		l.model.Errors = append(l.model.Errors, ErrorCode{
			Code: int(code), Name: c.name, Doc: l.prose.doc(c.comment, c.name, c.name, nil),
		})
	}
	return nil
}
