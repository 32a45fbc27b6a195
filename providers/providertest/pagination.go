package providertest

import (
	"net/http"
	"strconv"
	"strings"
)

// GitLab's page sizes.
const (
	defaultPerPage = 20
	maxPerPage     = 100
)

// paginate answers with one page of a list, and GitLab's headers for offset
// pagination.
func paginate[T any](x *exchange, all []T, show func(T) map[string]any) {
	page, okPage := x.number("page", 1)
	perPage, okPerPage := x.number("per_page", defaultPerPage)
	if !okPage || !okPerPage {
		return
	}
	perPage = min(perPage, maxPerPage)
	last := max((len(all)+perPage-1)/perPage, 1)
	from := min(page-1, last) * perPage
	shown := []map[string]any{}
	for _, item := range all[min(from, len(all)):min(from+perPage, len(all))] {
		shown = append(shown, show(item))
	}
	x.json(http.StatusOK, shown)

	h := x.header()
	h.Set("X-Page", strconv.Itoa(page))
	h.Set("X-Per-Page", strconv.Itoa(perPage))
	h.Set("X-Total", strconv.Itoa(len(all)))
	h.Set("X-Total-Pages", strconv.Itoa(last))
	next, prev := "", ""
	var links []string
	link := func(rel string, page int) {
		links = append(links, "<"+x.pageURL(page, perPage)+`>; rel="`+rel+`"`)
	}
	if page > 1 && page <= last {
		prev = strconv.Itoa(page - 1)
		link("prev", page-1)
	}
	if page < last {
		next = strconv.Itoa(page + 1)
		link("next", page+1)
	}
	link("first", 1)
	link("last", last)
	h.Set("X-Prev-Page", prev)
	h.Set("X-Next-Page", next)
	h.Set("Link", strings.Join(links, ", "))
}

// number reads a positive number of the query, and answers where it is none.
func (x *exchange) number(name string, otherwise int) (int, bool) {
	text := x.query.Get(name)
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		x.json(http.StatusBadRequest, map[string]string{"error": name + " is invalid"})
	case n < 1:
		x.json(http.StatusBadRequest, map[string]string{"error": name + " does not have a valid value"})
	default:
		return n, true
	}
	return 0, false
}

// pageURL is this request's URL for another page.
func (x *exchange) pageURL(page, perPage int) string {
	query := x.r.URL.Query()
	query.Set("page", strconv.Itoa(page))
	query.Set("per_page", strconv.Itoa(perPage))
	return x.g.url + x.entry.Path + "?" + query.Encode()
}
