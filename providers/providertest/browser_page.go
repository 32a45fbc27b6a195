package providertest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A document is what the browser understands of a page.
type document struct {
	base   *url.URL
	title  string
	target *url.URL // where the page leads by itself; nil if nowhere
	root   *html.Node
}

// A form is one of a page, filled in as far as its hidden fields go.
type form struct {
	method string
	action *url.URL
	values url.Values
}

func (f *form) request() *request {
	if f.method == http.MethodPost {
		return &request{method: f.method, url: f.action, form: f.values}
	}
	target := *f.action
	target.RawQuery = f.values.Encode()
	return &request{method: http.MethodGet, url: &target}
}

// with fills in one more field.
func (f *form) with(name, value string) *form {
	f.values.Set(name, value)
	return f
}

// parsePage reads a page. What is not HTML is shown as it is.
func parsePage(page *Page) *document {
	base, _ := url.Parse(page.URL)
	doc := &document{base: base, root: &html.Node{}}
	if location := page.Header.Get("Location"); location != "" && page.Status >= 300 && page.Status < 400 {
		doc.target = doc.resolve(location)
		return doc
	}
	if !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
		return doc
	}
	root, err := html.Parse(strings.NewReader(page.Body))
	if err != nil {
		return doc
	}
	doc.root = root
	for n := range root.Descendants() {
		switch {
		case n.DataAtom == atom.Title && doc.title == "":
			doc.title = strings.TrimSpace(text(n))
		case n.DataAtom == atom.Meta && strings.EqualFold(attribute(n, "http-equiv"), "refresh"):
			doc.lead(refreshTarget(attribute(n, "content")))
		case n.DataAtom == atom.Script:
			doc.lead(scriptTarget(text(n)))
		}
	}
	return doc
}

// lead notes where the page leads, the first time.
func (d *document) lead(address string) {
	if address != "" && d.target == nil {
		d.target = d.resolve(address)
	}
}

func (d *document) resolve(address string) *url.URL {
	target, err := d.base.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil
	}
	return target
}

// form finds the form around the element with this id, or this data-testid.
func (d *document) form(id, testID string) *form {
	for n := range d.root.Descendants() {
		if id != "" && attribute(n, "id") == id || testID != "" && attribute(n, "data-testid") == testID {
			for up := range n.Ancestors() {
				if up.DataAtom == atom.Form {
					return d.fill(up, n)
				}
			}
		}
	}
	return nil
}

// fill collects the fields of a form, and the button that is pressed.
func (d *document) fill(n, pressed *html.Node) *form {
	f := &form{method: strings.ToUpper(attribute(n, "method")), values: url.Values{}}
	if f.action = d.resolve(attribute(n, "action")); f.action == nil || !isWeb(f.action) {
		return nil
	}
	for field := range n.Descendants() {
		isInput := field.DataAtom == atom.Input
		if name := attribute(field, "name"); name != "" && (isInput || field == pressed) {
			f.values.Add(name, attribute(field, "value"))
		}
	}
	return f
}

// refreshTarget reads the content of a meta refresh: "0;url=…".
func refreshTarget(content string) string {
	_, rest, _ := strings.Cut(content, ";")
	rest = strings.TrimSpace(rest)
	if len(rest) < 4 || !strings.EqualFold(rest[:4], "url=") {
		return ""
	}
	return strings.Trim(strings.TrimSpace(rest[4:]), `'"`)
}

// scriptTarget finds the string that a script assigns to window.location, or
// hands to its replace or assign.
func scriptTarget(script string) string {
	_, rest, found := strings.Cut(script, "window.location")
	if !found {
		return ""
	}
	for _, way := range []string{".replace", ".assign", ".href"} {
		rest = strings.TrimPrefix(rest, way)
	}
	rest = strings.TrimLeft(rest, " \t\n(=")
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	quote, rest := rest[:1], rest[1:]
	literal, _, closed := strings.Cut(rest, quote)
	var value string
	if !closed || json.Unmarshal([]byte(`"`+literal+`"`), &value) != nil {
		return ""
	}
	return value
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var s strings.Builder
	for child := range n.Descendants() {
		if child.Type == html.TextNode {
			s.WriteString(child.Data)
		}
	}
	return s.String()
}
