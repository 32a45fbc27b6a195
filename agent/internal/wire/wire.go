// Package wire says how the fields of a struct are called in JSON, for those who
// read it more strictly than encoding/json does.
//
// Start at [Fields].
package wire

import (
	"reflect"
	"strings"
)

// Fields returns the fields of a struct by their names in JSON.
func Fields(t reflect.Type) map[string]reflect.StructField {
	fields := make(map[string]reflect.StructField)
	for field := range t.Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			fields[name] = field
		}
	}
	return fields
}

// IsRequired reports whether a field has to be there.
func IsRequired(field reflect.StructField) bool {
	_, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	return !strings.Contains(options, "omit")
}
