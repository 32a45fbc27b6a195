package agent

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/teamcodestream/codestream-agent/"

// importRules say which packages of the module a package may import. What is not
// listed may import none. A package stands for those below it unless they have a
// line of their own.
var importRules = map[string][]string{
	"protocol":                     {},
	"protocol/script":              {"protocol"},
	"protocol/generate":            {"protocol/script", "protocol"},
	"providers":                    {"protocol"},
	"providers/gitlabsm":           {"providers", "protocol"},
	"providers/all":                {"providers", "providers/gitlabsm"},
	"providers/providertest":       {"providers", "protocol"},
	"agent":                        {"agent/internal/auth", "agent/internal/doctor", "agent/internal/team", "agent/internal/team/registry", "agent/internal/store", "agent/internal/secret", "agent/internal/sshconfig", "agent/internal/watch", "agent/internal/wire", "agent/internal/work", "providers", "protocol"},
	"agent/internal/sshconfig":     {"providers"},
	"agent/internal/wire":          {},
	"agent/internal/work":          {},
	"agent/internal/watch":         {"agent/internal/work"},
	"agent/internal/secret":        {},
	"agent/internal/keyring":       {},
	"agent/internal/store":         {"agent/internal/secret", "protocol"},
	"agent/internal/team/registry": {"agent/internal/secret", "providers", "protocol"},
	"agent/internal/team":          {"agent/internal/secret", "agent/internal/team/registry", "agent/internal/store", "agent/internal/wire", "agent/internal/work", "providers", "protocol"},
	"agent/internal/auth":          {"agent/internal/relay", "agent/internal/store", "agent/internal/secret", "agent/internal/work", "providers", "protocol"},
	"agent/internal/doctor":        {"agent/internal/auth", "agent/internal/store", "providers", "protocol"},
	"agent/internal/freeport":      {},
	"agent/internal/natstest":      {"agent/internal/freeport"},
	"agent/internal/acceptance":    {},
	"agent/internal/endurance":     {},
	"agent/internal/sessiontest":   {"agent/internal/freeport", "agent/internal/natstest", "agent/internal/relay", "agent/internal/store", "providers/providertest", "protocol/script", "protocol"},
	"agent/internal/cli":           {"agent", "agent/internal/relay", "providers", "protocol"},
	"agent/internal/relay":         {},
	"agent/cmd/codestream-agent":   {"agent", "agent/internal/cli", "agent/internal/keyring", "agent/internal/team", "providers/all", "protocol"},
	"agent/cmd/codestream-demo":    {"agent/internal/sessiontest", "providers/providertest", "protocol"},
}

// soleImporters may import a library that nobody else may.
var soleImporters = map[string][]string{
	"go.etcd.io/bbolt":                 {"agent/internal/store"},
	"github.com/sourcegraph/jsonrpc2":  {"agent", "agent/internal/cli"},
	"github.com/nats-io/nats.go":       {"agent/internal/team/registry"},
	"github.com/nats-io/jwt":           {"agent/internal/natstest"}, // and so it is in tests only
	"github.com/nats-io/nkeys":         {"agent/internal/natstest"},
	"github.com/spf13/cobra":           {"agent/internal/cli"},
	"github.com/tailscale/hujson":      {"agent/internal/team"},
	"github.com/fsnotify/fsnotify":     {"agent/internal/watch"},
	"golang.org/x/oauth2":              {"agent/internal/auth"},
	"github.com/zalando/go-keyring":    {"agent/internal/keyring"},
	"gopkg.in/natefinch/lumberjack.v2": {"agent/cmd/codestream-agent"},
}

// standardLibraryOnly are the packages that import no library at all.
var standardLibraryOnly = []string{"protocol"}

type listedPackage struct {
	ImportPath string
	Imports    []string
}

func TestImportsRunOneWay(t *testing.T) {
	packages := listPackages(t)
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, ok := importRules[name]
		if !ok {
			t.Errorf("%s has no line in the import rules", name)
			continue
		}
		for _, imported := range p.Imports {
			inner, isInner := strings.CutPrefix(imported, module)
			switch {
			case isInner && !slices.Contains(allowed, inner):
				t.Errorf("%s imports %s, which the rules do not allow", name, inner)
			case !isInner && strings.Contains(imported, ".") && slices.Contains(standardLibraryOnly, name):
				t.Errorf("%s imports %s, but may import the standard library only", name, imported)
			}
			for library, importers := range soleImporters {
				if (imported == library || strings.HasPrefix(imported, library+"/")) && !slices.Contains(importers, name) {
					t.Errorf("%s imports %s, which only %s may", name, imported, strings.Join(importers, ", "))
				}
			}
		}
	}
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listedPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			if len(packages) < len(importRules)/2 {
				t.Fatalf("go list found only %d packages", len(packages))
			}
			return packages
		case err != nil:
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
