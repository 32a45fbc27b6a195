package main

import "encoding/json"

// Model is the protocol as every generator sees it, in terms of JSON and in no
// language's own. All lists are in a stable order.
//
// A doc is one or more sentences; names of the protocol (methods, types, fields
// and errors) stand in it in backquotes, as they are on the wire.
type Model struct {
	Methods []Method // in the order of protocol.Declarations
	Types   []Struct // every struct that a method, an error or a file of instances reaches, by name
	Aliases []Alias  // names for types that are no struct, by name
	Enums   []Enum   // by name
	Errors  []ErrorCode
	// ErrorData is the type of what stands under "data" of an error.
	ErrorData Type
}

// Method is a request or a notification.
type Method struct {
	Name    string // on the wire
	GoName  string // of the variable in package protocol
	Doc     string
	From    Sender
	Params  Type
	Result  *Type    // nil for a notification
	Errors  []string // that its doc names or that a session script shows, in the order of Model.Errors
	Example *Example // nil where no session script shows one
}

// Sender says who sends a method.
type Sender string

// The values of [Sender].
const (
	FromEditor Sender = "editor"
	FromAgent  Sender = "agent"
	FromBoth   Sender = "both"
)

// Example is a message as a session script has it, with its answer if it is a
// request. Samples stand where the script has placeholders.
type Example struct {
	Script string // the file's name
	From   Sender // the editor or the agent
	ID     string // as in the script; empty for a notification
	Params json.RawMessage
	Result json.RawMessage
}

// Kind says what a [Type] is.
type Kind string

// The values of [Kind].
const (
	Null    Kind = "null"
	Boolean Kind = "boolean"
	Integer Kind = "integer"
	Number  Kind = "number"
	String  Kind = "string"
	Time    Kind = "time"   // a string in the form of RFC 3339
	Any     Kind = "any"    // any JSON value
	Empty   Kind = "object" // an object without fields
	List    Kind = "list"   // of Elem
	Map     Kind = "map"    // an object with any names, whose values are Elem
	Union   Kind = "union"  // one of Of
	Ref     Kind = "ref"    // the struct, alias or enum called Name
)

// Type is the type of a JSON value.
type Type struct {
	Kind     Kind
	Nullable bool   // it may also be null
	Name     string // for Ref
	Elem     *Type  // for List and Map
	Of       []Type // for Union
}

// Struct is an object with known fields.
type Struct struct {
	Name   string
	Doc    string
	Fields []Field
}

// Field is a field of a [Struct].
type Field struct {
	Name     string // on the wire
	GoName   string
	Doc      string
	Type     Type
	Optional bool // it may be left out
}

// Alias is a name for a type.
type Alias struct {
	Name string
	Doc  string
	Type Type
}

// Enum is a closed set of strings or of integers.
type Enum struct {
	Name   string
	Doc    string
	Kind   Kind // String or Integer
	Values []EnumValue
}

// EnumValue is one value of an [Enum].
type EnumValue struct {
	GoName string
	Value  any // a string or an int64
	Doc    string
}

// ErrorCode is an error that a request may be answered with.
type ErrorCode struct {
	Code int
	Name string
	Doc  string
}

// Struct returns the struct of that name, or nil.
func (m *Model) Struct(name string) *Struct {
	for i := range m.Types {
		if m.Types[i].Name == name {
			return &m.Types[i]
		}
	}
	return nil
}

// Field returns the field of that name on the wire, or nil.
func (s *Struct) Field(name string) *Field {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i]
		}
	}
	return nil
}

// Doc returns the doc of the type of that name, or "".
func (m *Model) Doc(name string) string {
	if s := m.Struct(name); s != nil {
		return s.Doc
	}
	for _, a := range m.Aliases {
		if a.Name == name {
			return a.Doc
		}
	}
	for _, e := range m.Enums {
		if e.Name == name {
			return e.Doc
		}
	}
	return ""
}
