// Package relay takes the browser's callback at an https address and sends the
// browser on to the agent on the user's machine, for organisations that register
// only https redirect URIs with their OAuth applications, or have such a one from
// earlier.
//
// It keeps nothing, so any number of copies can stand behind a load balancer. It
// never sees a token; the code that passes through is worth nothing without the
// PKCE verifier, which never leaves the agent (RFC 7636 section 1); or where GitLab
// is older than 13.8, and has no PKCE, without the client secret. The state names
// the port of the agent's listener ([NewState]); the address to which the browser goes
// is made here of 127.0.0.1, that port and one fixed path, so that the relay leads
// nobody anywhere else.
//
// What a hostile page can do with it is to send a browser to that path on some port
// of the user's own machine, by GET and with a code and state of the page's making:
// which it can do without the relay. The agent's listener knows its own state.
//
// Start at [Handler].
package relay
