package auth

import (
	"slices"
	"strings"
)

// MissingScopes lists the scopes that are wanted and were not granted.
func MissingScopes(wanted, granted []string) (missing []string) {
	for _, scope := range wanted {
		if !slices.Contains(granted, scope) {
			missing = append(missing, scope)
		}
	}
	return missing
}

// ScopeWords names scopes in a sentence.
func ScopeWords(scopes []string) string {
	if len(scopes) == 1 {
		return "scope " + scopes[0]
	}
	return "scopes " + strings.Join(scopes, ", ")
}
