package registry

import (
	"net/url"
	"slices"
	"strings"
)

// Place is where the settings say that the bucket is. It is the same in whatever
// order and spelling the servers stand there, and tells teams apart that share them.
// Which bucket is found there is another question: see [Snapshot].
func (r *Registry) Place() string {
	var addresses []string
	for _, server := range r.servers {
		if u, err := url.Parse(server); err == nil { // as New has seen
			addresses = append(addresses, address(u))
		}
	}
	slices.Sort(addresses)
	return strings.Join(slices.Compact(addresses), ",") + "/" + r.bucket
}
