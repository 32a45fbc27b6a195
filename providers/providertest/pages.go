package providertest

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"sync"
)

//go:embed pages/*.html
var pageFiles embed.FS

// pageTemplates parses the pages when the first one is wanted.
var pageTemplates = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(pageFiles, "pages/*.html"))
})

// page answers with one of the templates. The policy lets in nothing from
// outside, and has no form-action: Chromium would apply it to the redirect that
// follows the form as well, and the client's callback could not be reached.
func (x *exchange) page(status int, name string, data any) {
	nonce := rand.Text()
	var body bytes.Buffer
	view := struct {
		Nonce string
		Data  any
	}{nonce, data}
	if err := pageTemplates().ExecuteTemplate(&body, name+".html", view); err != nil {
		panic(err) // a mistake in a template
	}
	x.body(status, "text/html; charset=utf-8", body.String())
	x.header().Set("Cache-Control", "no-store")
	x.header().Set("Referrer-Policy", "no-referrer")
	x.header().Set("X-Frame-Options", "DENY")
	x.header().Set("Content-Security-Policy", "default-src 'none'; img-src data:; base-uri 'none'; "+
		"frame-ancestors 'none'; style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+"'")
}

// problem is a page with a title and a sentence, which leads nowhere.
func (x *exchange) problem(status int, title, text string) {
	x.page(status, "problem", map[string]string{"Title": title, "Text": text})
}

// redirectView fills the page that stands in for consent. The URL is the
// client's own registered redirect URI, of whatever scheme, with a code.
func redirectView(target string) any {
	return struct {
		URL    template.URL
		Script string
	}{template.URL(target), target}
}
