// Package doctor finds out what is in the way between an editor and GitLab, and
// says what to do about it.
//
// Checks stand in tables, in the order of the way: this machine (machine.go), the
// network (network.go), the application (application.go), each account
// (account.go). A check whose ground has failed is skipped, with the name of what
// failed, so that one broken thing shows as one failure.
//
// The network is watched rather than tried piece by piece: one real request goes
// over a transport of its own, made as every other is, and trip.go notes what
// happens to it. What is reported is therefore what the agent itself meets.
//
// GitLab is asked gently: a few requests for an instance, one of them to the token
// endpoint, where GitLab allows ten a minute. Nothing is changed, but that a token
// is refreshed where any other call would have it refreshed.
//
// A report can be pasted into a ticket. It has no secrets, and the names of people
// only on request. Start at [Doctor].
package doctor
