package registry

import (
	"slices"
	"strings"
)

// Place is where the settings say that the bucket is. It is the same in whatever
// order the servers stand there, and tells teams apart that share them. Which bucket
// is found there is another question: see [Snapshot].
func (r *Registry) Place() string {
	servers := slices.Sorted(slices.Values(r.servers))
	return strings.ToLower(strings.Join(slices.Compact(servers), ",")) + "/" + r.bucket
}
