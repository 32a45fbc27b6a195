// Package agent is codestream-agent as a library: a JSON-RPC server on a stream
// that signs a user in to their GitLab and calls it on their behalf.
//
// # A request's life
//
// The stream reads a frame (stream.go), checks it (message.go), and answers it
// there if it is no message. jsonrpc2 hands what is left to the dispatcher
// (dispatch.go), on the goroutine that reads: it finds the method, notes how to
// cancel it, and starts it on a goroutine of its own, so that the reader never
// waits. Methods that change what later ones read run in the order in which they
// came; the rest run side by side, those with large answers so many at a time. The
// binding (binding.go) decodes the parameters strictly into the method's type.
// The handler, in the file named for its group, checks, asks one or two packages
// below, and builds the result. One function makes a wire error of whatever went
// wrong (errors.go).
//
// From its first byte to its answer a request is a call (call.go), and counts as
// load (load.go): too many, or too large together, are refused. Answers wait in the
// outbox for an editor that does not read (outbox.go), with those who made them;
// whoever holds a lock never waits there, nor does the reader. Questions to the
// editor are bounded too (editor.go).
//
// What changes is told by one path whoever changed it, this process or another:
// after each change the state on disk is compared with what the editor was last
// told, and the difference goes out as notifications (announce.go).
//
// # Rules
//
// stdout carries frames and nothing else. A handler never uses the context of a
// request for what must outlive it, such as a refresh under way. A secret is in
// no log, no error and no frame but the result of gitlabSM/token: whoever meets
// one first calls seen, and what is logged or refused is searched for it
// (secrets.go).
//
// Start at [New] and [Agent.Serve].
package agent
