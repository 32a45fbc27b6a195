//go:build doorkeeper

package acceptance

import (
	"net/http"
	"slices"
	"strings"
)

// A journal is what the server remembers of the requests to it.
type journal struct{ Requests []entry }

// An entry is one request: the names of what it carried, never the values.
type entry struct {
	Method, Path  string
	Status        int
	Query         []string // the names in the query
	Parameters    []string // the names in the form
	Authorization string   // the scheme of the header
	GrantType     string   `json:"grant_type"`
}

// journal returns what came so far.
func (d *doorkeeper) journal() journal {
	d.t.Helper()
	r, err := http.NewRequest(http.MethodGet, d.url+"/test/requests", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	var j journal
	if status := d.do(r, &j); status != http.StatusOK {
		d.t.Fatalf("the journal answers %d", status)
	}
	return j
}

// find returns the requests with this method and end of the path, in order.
func (j journal) find(method, path string) (found []entry) {
	for _, e := range j.Requests {
		if e.Method == method && strings.HasSuffix(e.Path, path) {
			found = append(found, e)
		}
	}
	return found
}

// grants returns the token requests of a grant type, in order.
func (j journal) grants(grantType string) []entry {
	return slices.DeleteFunc(j.find(http.MethodPost, "/oauth/token"), func(e entry) bool { return e.GrantType != grantType })
}

// since returns what came after an earlier journal was read.
func (j journal) since(earlier journal) journal {
	return journal{j.Requests[len(earlier.Requests):]}
}
