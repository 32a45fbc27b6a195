// Package all lists the providers of the product, one line each.
package all

import (
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// Providers returns every provider.
func Providers() *providers.Registry {
	return providers.NewRegistry(
		gitlabsm.Provider{},
	)
}
