// Package providertest holds a GitLab to test against: a real HTTP server on
// loopback that behaves as GitLab and its OAuth library, Doorkeeper, do, and
// that checks what clients send to it.
//
// # Starting one
//
//	gitlab, err := providertest.StartGitLab(providertest.Options{})
//	defer gitlab.Close()
//	sam := gitlab.AddUser(providertest.User{Username: "sam"})
//	app := gitlab.AddApplication(providertest.Application{
//		Name:         "CodeStream",
//		RedirectURIs: []string{"http://127.0.0.1/callback"},
//		Scopes:       []string{"api"},
//	})
//
// A client is now given gitlab.URL(), app.ID and app.Secret. A person who opens
// the authorize URL sees a sign-in form and a consent form, in a real browser
// as in [Browser], which is a person's browser written in Go.
//
// # What it checks
//
// Every request is kept, see [GitLab.Requests]; a test waits for one by
// [GitLab.Await]. What a careful client never does is collected by
// [GitLab.Violations]: a good test ends by asserting that there are none.
// [GitLab.Secrets] lists what must not turn up in a log, a message or a file;
// all that was made here starts with [SecretPrefix], so that one search finds
// any of it.
//
// # Bad days
//
// [GitLab.SetDown] takes the server off the network, [GitLab.SetFault] spoils
// the answers of one endpoint (see [Fault]), [GitLab.ExpireTokens],
// [GitLab.RevokeTokens], [GitLab.RenewSecret] and [GitLab.Upgrade] do what time,
// people and administrators do. [Listen] is a server that is no GitLab at all.
//
// # The suite
//
// [Run] checks that a provider keeps the contract of package providers, as
// described by a [Suite]: every provider's own tests run it.
//
// # The way through the code
//
// gitlab.go is the server's life, exchange.go the life of one request,
// routes.go lists what is served. Each further file is one subject. A handler
// runs with the server's lock held and writes into a buffer: it is therefore
// atomic, as Doorkeeper's row locks make it, and waits for nobody. Start at
// [StartGitLab].
package providertest
