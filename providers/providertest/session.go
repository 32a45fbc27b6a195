package providertest

import (
	"crypto/rand"
	"net/http"
	"net/url"
)

// A session is what the server knows about one browser, by its cookie.
type session struct {
	id       string
	browser  string // stays the same when the id is renewed at sign-in
	csrf     string
	user     *User  // nil: signed out
	returnTo string // where to go after sign-in
}

// cookieName has the port in it: browsers do not tell the ports of a host apart,
// and two instances must not sign each other's users out.
func (x *exchange) cookieName() string {
	base, _ := url.Parse(x.g.url)
	return "_gitlab_session_" + base.Port()
}

// session finds the browser's session, or starts one.
func (x *exchange) session() *session {
	if cookie, err := x.r.Cookie(x.cookieName()); err == nil {
		if s := x.g.sessions[cookie.Value]; s != nil {
			return s
		}
	}
	s := &session{browser: rand.Text(), csrf: rand.Text()}
	x.renew(s)
	return s
}

// renew gives the session a new id, so that one planted before sign-in is worth
// nothing after it.
func (x *exchange) renew(s *session) {
	delete(x.g.sessions, s.id)
	s.id = rand.Text()
	x.g.sessions[s.id] = s
	cookie := http.Cookie{
		Name: x.cookieName(), Value: s.id, Path: x.g.path("/"), HttpOnly: true,
		Secure: x.g.certPEM != nil, SameSite: http.SameSiteLaxMode,
	}
	x.header().Set("Set-Cookie", cookie.String())
}

// genuine checks the hidden token of a form, as Rails does, and answers where it
// is wrong.
func (x *exchange) genuine(s *session) bool {
	if x.form.Get("authenticity_token") == s.csrf {
		return true
	}
	x.problem(http.StatusUnprocessableEntity, "The change was refused",
		"This form is out of date. Load the page again.")
	return false
}

// knows reports whether somebody is signed in, and sends anybody else to the form. Who
// wanted a page comes back to it.
func (x *exchange) knows(s *session) bool {
	if s.user != nil {
		return true
	}
	if x.r.Method == http.MethodGet {
		s.returnTo = x.r.URL.RequestURI()
	}
	x.redirect(http.StatusFound, x.g.path("/users/sign_in"))
	return false
}

// signInView fills the sign-in form.
type signInView struct {
	Root, Token, Alert, Login string
}

func (x *exchange) signInPage() {
	s := x.session()
	if s.user != nil {
		x.redirect(http.StatusFound, x.g.path("/"))
		return
	}
	x.page(http.StatusOK, "signin", signInView{Root: x.g.root, Token: s.csrf})
}

func (x *exchange) signIn() {
	s := x.session()
	if !x.genuine(s) {
		return
	}
	login := x.form.Get("user[login]")
	user := x.g.users[login]
	alert := ""
	switch {
	case user == nil || user.Password != x.form.Get("user[password]"):
		alert = "Wrong username or password."
	case user.Blocked:
		alert = "This account is blocked. Ask an administrator."
	}
	if alert != "" {
		x.page(http.StatusOK, "signin", signInView{Root: x.g.root, Token: s.csrf, Alert: alert, Login: login})
		return
	}
	s.user = user
	target := s.returnTo
	s.returnTo = ""
	x.renew(s)
	if target == "" {
		target = x.g.path("/")
	}
	x.redirect(http.StatusFound, target)
}

func (x *exchange) signOut() {
	s := x.session()
	if !x.genuine(s) {
		return
	}
	s.user = nil
	x.renew(s)
	x.redirect(http.StatusFound, x.g.path("/users/sign_in"))
}

// homePage is where a sign-in ends that came from nowhere.
func (x *exchange) homePage() {
	s := x.session()
	if !x.knows(s) {
		return
	}
	x.page(http.StatusOK, "home", map[string]string{
		"Root": x.g.root, "Token": s.csrf, "Name": s.user.Name, "Username": s.user.Username, "Version": x.g.version,
	})
}
