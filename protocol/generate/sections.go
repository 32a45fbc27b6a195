package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

func (p *page) method(m Method) {
	p.heading(3, "`"+m.Name+"`")
	what := "Notification"
	if m.Result != nil {
		what = "Request"
	}
	from := map[Sender]string{
		FromEditor: "from the editor to the agent", FromAgent: "from the agent to the editor", FromBoth: "from either side",
	}
	p.line("*%s %s.*", what, from[m.From])
	p.line("")
	p.line(p.about(m.Doc, m.Name))
	p.part("Params", m.Params, m.Name)
	if m.Result != nil {
		p.part("Result", *m.Result, m.Name)
	}
	if len(m.Errors) > 0 {
		var names []string
		for _, name := range m.Errors {
			names = append(names, link("`"+name+"`", p.linked[name]))
		}
		p.line("")
		p.line("**Errors** that the text above names or a session script shows: %s.", strings.Join(names, ", "))
	}
	if m.Example != nil {
		p.example(m)
	}
}

// part writes the params or the result of a method.
func (p *page) part(title string, t Type, method string) {
	p.line("")
	s := p.model.Struct(t.Name)
	switch {
	case t.Kind == Null:
		p.line("**%s**: `null`.", title)
	case t.Kind == Empty, s != nil && len(s.Fields) == 0:
		p.line("**%s**: an empty object.", title)
	case p.inline[t.Name] == method:
		nullable := ""
		if t.Nullable {
			nullable = ", or `null`"
		}
		p.line("**%s** (`%s`%s). %s", title, t.Name, nullable, p.about(s.Doc, s.Name))
		p.line("")
		p.fields(s)
	default:
		p.line("**%s**: %s.", title, p.typ(t))
	}
}

func (p *page) fields(s *Struct) {
	p.line("| field | type | required | meaning |")
	p.line("|---|---|---|---|")
	for _, f := range s.Fields {
		required, t := "yes", f.Type
		if f.Optional {
			required, t.Nullable = "", false // leaving it out is the same
		}
		doc := p.about(f.Doc, f.Name)
		if doc == "" && t.Kind == Ref {
			doc = p.brief(t.Name)
		}
		p.line("| `%s` | %s | %s | %s |", f.Name, cell(p.typ(t)), required, cell(doc))
	}
}

// typ returns the notation of a type.
func (p *page) typ(t Type) string {
	if t.Nullable {
		t.Nullable = false
		return p.typ(t) + " or `null`"
	}
	switch t.Kind {
	case Ref:
		return link("`"+t.Name+"`", p.linked[t.Name])
	case List:
		if t.Elem.Kind == Ref {
			return link("`"+t.Elem.Name+"[]`", p.linked[t.Elem.Name])
		}
	case Map:
		if t.Elem.Kind == Ref {
			return link("`{[name]: "+t.Elem.Name+"}`", p.linked[t.Elem.Name])
		}
	}
	return "`" + notation(t) + "`"
}

// notation writes a type without links.
func notation(t Type) string {
	s := string(t.Kind)
	switch t.Kind {
	case Ref:
		s = t.Name
	case List:
		s = notation(*t.Elem) + "[]"
		if t.Elem.Kind == Union || t.Elem.Nullable {
			s = "(" + notation(*t.Elem) + ")[]"
		}
	case Map:
		s = "{[name]: " + notation(*t.Elem) + "}"
	case Empty:
		s = "{}"
	case Union:
		var of []string
		for _, t := range t.Of {
			of = append(of, notation(t))
		}
		s = strings.Join(of, " | ")
	}
	if t.Nullable {
		s += " | null"
	}
	return s
}

// cell makes text fit to stand in a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n\n", "<br>", "\n", " ").Replace(text)
}

var exampleLayout = script.Layout{Width: 96, Indent: "   ", EndsAlone: true}

func (p *page) example(m Method) {
	e := m.Example
	there, back := "->", "<-"
	if e.From == FromAgent {
		there, back = back, there
	}
	begin := there + " " + m.Name
	if e.ID != "" {
		begin = there + " " + e.ID + " " + m.Name
	}
	p.line("")
	p.line("Example, from [%s](../../testdata/sessions/%s):", e.Script, e.Script)
	p.line("")
	p.line("```text")
	p.message(begin, e.Params)
	if e.Result != nil {
		p.message(strings.TrimSpace(back+" "+e.ID)+" result", e.Result)
	}
	p.line("```")
}

func (p *page) message(begin string, of json.RawMessage) {
	if of == nil {
		p.line(begin)
		return
	}
	v, err := script.ParseValue(of)
	if err != nil {
		panic(fmt.Sprintf("an example that is no JSON: %s", of)) // sample made it
	}
	p.out.WriteString(begin + " " + exampleLayout.Format(v, len(begin)+1) + "\n")
}

func (p *page) types() {
	p.heading(2, "Types")
	p.line("Types that stand for the params or the result of one method are described there.")
	p.line("")
	p.line("| type | meaning |")
	p.line("|---|---|")
	for _, s := range p.model.Types {
		if at, ok := p.inline[s.Name]; ok {
			p.line("| `%s` | see %s |", s.Name, link("`"+at+"`", anchor(at)))
		} else {
			p.line("| %s | %s |", link("`"+s.Name+"`", anchor(s.Name)), cell(p.about(s.Doc, s.Name)))
		}
	}
	for _, a := range p.model.Aliases {
		p.line("| %s | %s |", link("`"+a.Name+"`", anchor(a.Name)), cell("`"+notation(a.Type)+"`"))
	}
	for _, s := range p.model.Types {
		if _, ok := p.inline[s.Name]; ok {
			continue
		}
		p.heading(3, "`"+s.Name+"`")
		p.line(p.about(s.Doc, s.Name))
		if len(s.Fields) > 0 {
			p.line("")
			p.fields(&s)
		}
	}
	for _, a := range p.model.Aliases {
		p.heading(3, "`"+a.Name+"`")
		p.line(p.about(a.Doc, a.Name))
		p.line("")
		p.line("`%s`", notation(a.Type))
	}
}

func (p *page) enums() {
	p.heading(2, "Enumerations")
	for _, e := range p.model.Enums {
		p.heading(3, "`"+e.Name+"`")
		p.line(p.about(e.Doc, e.Name))
		p.line("")
		p.line("| value | meaning |")
		p.line("|---|---|")
		for _, v := range e.Values {
			doc := p.prose(v.Doc)
			if doc == "" {
				doc = v.GoName[commonPrefix(e.Values):] // "Error" for MessageError
			}
			p.line("| `%s` | %s |", script.NewScalar(v.Value), cell(doc))
		}
	}
}

// commonPrefix returns how much the Go names of the values have in common.
func commonPrefix(values []EnumValue) int {
	prefix := values[0].GoName
	for _, v := range values[1:] {
		for !strings.HasPrefix(v.GoName, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	if len(values) == 1 {
		return 0
	}
	return len(prefix)
}

func (p *page) errors() {
	p.heading(2, "Errors")
	p.line("The message of an error is for people. Programs switch on its `code`, or on `name` in its")
	p.line("`data`, which is an %s; `hint` there tells the person what to do next.", p.typ(p.model.ErrorData))
	p.line("")
	p.line("| code | name | meaning |")
	p.line("|---|---|---|")
	for _, e := range p.model.Errors {
		p.line("| %d | `%s` | %s |", e.Code, e.Name, cell(p.prose(e.Doc)))
	}
}
