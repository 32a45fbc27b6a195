package providers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/providers"
)

// named is a provider that has a name and nothing else.
type named struct {
	providers.Provider
	name string
}

func (n named) Name() string { return n.name }

func TestRegistry(t *testing.T) {
	one, two := named{name: "one"}, named{name: "two"}
	r := providers.NewRegistry(one, two)
	if r.Provider("one") != one || r.Provider("two") != two {
		t.Error("a provider is found under another name")
	}
}

func TestRegistryPanics(t *testing.T) {
	for name, do := range map[string]func(){
		`two of the name "one"`: func() { providers.NewRegistry(named{name: "one"}, named{name: "two"}, named{name: "one"}) },
		`none of the name "x"`:  func() { providers.NewRegistry(named{name: "one"}).Provider("x") },
		`none of the name ""`:   func() { providers.NewRegistry().Provider("") },
	} {
		func() {
			defer func() {
				if r := fmt.Sprint(recover()); !strings.Contains(r, name) {
					t.Errorf("want a panic for %s, got %s", name, r)
				}
			}()
			do()
		}()
	}
}
