// Package providers is what the agent knows of code hosts in general: the
// contract that each kind keeps ([Provider], [Host]), the list of those that a
// build has ([Registry]), and what every client of a REST API shares (HTTP
// transports, and errors that name their cause).
//
// A provider never sees the store or a token: it is handed an HTTP client that
// is already authorised.
//
// Start at [Provider].
package providers
