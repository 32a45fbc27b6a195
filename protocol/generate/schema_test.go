package main

import (
	"strings"
	"testing"
)

// TestTheSchemasSpeakOfTheFile looks at what an editor shows over a field of a file:
// whoever writes that has never heard of Go, nor of the names of the types.
func TestTheSchemasSpeakOfTheFile(t *testing.T) {
	m := mustLoad(t)
	var look func(name string, s schema)
	look = func(name string, s schema) {
		if s.Description == "" && s.Properties == nil {
			t.Errorf("%s has no description", name)
		}
		for _, of := range m.Types {
			if humps(of.Name) > 1 && strings.Contains(s.Description, of.Name) {
				t.Errorf("%s is described by the name of a type: %s", name, s.Description)
			}
		}
		if strings.HasPrefix(s.Description, name+" is ") || strings.HasPrefix(s.Description, name+" are ") {
			t.Errorf("%s begins with its own name: %s", name, s.Description)
		}
		for _, property := range s.Properties {
			look(property.name, property.of)
		}
		if s.Items != nil && s.Items.Type == "object" {
			look(name, *s.Items)
		}
	}
	look("file", schemaOf(m, Type{Kind: Ref, Name: "InstanceFile"}, ""))
}
