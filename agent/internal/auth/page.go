package auth

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/teamcodestream/codestream-agent/protocol"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// page parses the template when the first page is due, not at every start.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Parse(pageHTML))
})

// pageData is what the page says.
type pageData struct {
	Style          template.CSS
	Icon           string // "ok", "no" or "error"
	Title          string
	Problem        string // what went wrong
	Next           string // what to do now
	Name, Username string
	InstanceName   string
	InstanceURL    string
	ErrorName      string
}

// describeOutcome puts an outcome into words.
func describeOutcome(o outcome) pageData {
	data := pageData{Style: template.CSS(pageCSS), InstanceName: o.instance.Name, InstanceURL: o.instance.ID}
	var known *protocol.Error
	switch {
	case o.err == nil:
		data.Icon, data.Title = "ok", "You are signed in"
		data.Next = "Your editor now works with GitLab as you. You can close this page and go back to your editor."
		data.Name, data.Username = o.account.User.Name, o.account.User.Username
	case errors.Is(o.err, protocol.SignInDenied):
		data.Icon, data.Title = "no", "You did not give access"
		data.Next = "Nothing was changed. If you want the editor to use GitLab after all, sign in again from the editor and press Authorize."
	case errors.As(o.err, &known):
		data.Icon, data.Title = "error", "The sign-in did not work"
		data.Problem, data.Next, data.ErrorName = sentence(known.Message), known.Hint, known.Code.Name()
	default:
		data.Icon, data.Title = "error", "The sign-in did not work"
		data.Problem, data.Next = "Something unexpected happened.", "Start the sign-in again from the editor."
	}
	return data
}

// sentence makes one of an error's message.
func sentence(message string) string {
	first, size := utf8.DecodeRuneInString(message)
	message = string(unicode.ToUpper(first)) + message[size:]
	if strings.HasSuffix(message, ".") {
		return message
	}
	return message + "."
}

// renderPage writes the page on which the user ends.
func renderPage(w http.ResponseWriter, status int, o outcome) {
	data := describeOutcome(o)
	var html bytes.Buffer
	if err := page().Execute(&html, data); err != nil {
		http.Error(w, data.Title, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(html.Bytes())
}

// contentSecurityPolicy allows the page its own style and nothing else.
var contentSecurityPolicy = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
})

// setPageHeaders keeps the page to itself: not framed, not stored, not named to
// others.
func setPageHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentSecurityPolicy())
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
