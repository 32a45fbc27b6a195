package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// schema is a JSON Schema (draft 2020-12, json-schema.org), as far as a file of
// instances needs one.
type schema struct {
	Schema      string `json:"$schema,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	// AllowComments and AllowTrailingCommas are for VS Code, which underlines both
	// unless the schema says that the files may have them.
	AllowComments       bool     `json:"allowComments,omitempty"`
	AllowTrailingCommas bool     `json:"allowTrailingCommas,omitempty"`
	Type                string   `json:"type,omitempty"`
	Properties          members  `json:"properties,omitempty"`
	Required            []string `json:"required,omitempty"`
	// AdditionalProperties is false for an object: the agent takes no unknown field.
	AdditionalProperties *bool   `json:"additionalProperties,omitempty"`
	Items                *schema `json:"items,omitempty"`
}

// member is a property of an object.
type member struct {
	name string
	of   schema
}

// members are properties in the order of the source, which encoding/json would sort.
type members []member

// MarshalJSON writes an object.
func (m members) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	text.WriteByte('{')
	for i, property := range m {
		if i > 0 {
			text.WriteByte(',')
		}
		value, err := encode(property.of)
		if err != nil {
			return nil, err
		}
		text.WriteString(`"` + property.name + `":`)
		text.Write(value)
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

// onlyInPolicy is what a file in a repository may not say.
const onlyInPolicy = "network"

// renderInstancesSchema writes the schema of .codestream/gitlab.json.
func renderInstancesSchema(m *Model) []byte {
	return renderSchema(m, "The GitLab instances of a repository", onlyInPolicy)
}

// renderPolicySchema writes the schema of the machine's policy.
func renderPolicySchema(m *Model) []byte {
	return renderSchema(m, "The GitLab instances of a machine's policy", "")
}

func renderSchema(m *Model, title, without string) []byte {
	s := schemaOf(m, Type{Kind: Ref, Name: reflect.TypeFor[protocol.InstanceFile]().Name()}, without)
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", title
	s.AllowComments, s.AllowTrailingCommas = true, true
	compact, err := encode(s)
	if err != nil {
		panic(err) // strings and booleans always encode
	}
	var text bytes.Buffer
	_ = json.Indent(&text, compact, "", "  ") // what was encoded is JSON
	return append(bytes.TrimSpace(text.Bytes()), '\n')
}

// encode leaves "<" and the like readable.
func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSpace(text.Bytes()), err
}

// schemaOf describes a type of the model. A field called without is left out.
func schemaOf(m *Model, t Type, without string) schema {
	switch t.Kind {
	case Boolean:
		return schema{Type: "boolean"}
	case String:
		return schema{Type: "string"}
	case List:
		items := schemaOf(m, *t.Elem, without)
		return schema{Type: "array", Items: &items}
	case Ref:
		if known := m.Struct(t.Name); known != nil {
			return objectSchema(m, known, without)
		}
	}
	panic("a file of instances has no place for " + string(t.Kind) + " " + t.Name)
}

func objectSchema(m *Model, of *Struct, without string) schema {
	s := schema{Type: "object", Description: describe(of.Doc, of.Name), AdditionalProperties: new(bool)}
	for _, field := range of.Fields {
		if field.Name == without {
			continue
		}
		property := schemaOf(m, field.Type, without)
		property.Description = describe(field.Doc, field.Name)
		s.Properties = append(s.Properties, member{field.Name, property})
		if !field.Optional {
			s.Required = append(s.Required, field.Name)
		}
	}
	return s
}

// describe returns a doc as an editor shows it beside the name: without the name,
// and without backquotes.
func describe(doc, name string) string {
	subject, rest := cutSubject(doc, name)
	return strings.ReplaceAll(subject+rest, "`", "")
}
