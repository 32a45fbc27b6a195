// Package cli is codestream-agent at a terminal. Its commands are one more editor:
// each runs an agent in this process and talks to it in the protocol, so that a
// sign-in, a refresh or an error is the same as in an editor, and whatever one does
// the other has. What an editor's settings say of all instances is not among that:
// the way to the network is the environment's, the policy's or the instance's own.
//
// stdout has the result and nothing else; all that is said beside goes to stderr, in
// the words of the commands (words.go). Secrets come from stdin, never from an
// argument, which every process of the machine could read. Whatever reads stdin ends
// with the command (stdin.go), and one goroutine shares out what a person types
// while they sign in (prompt.go).
//
// cobra makes the commands: it is what most Go programs have, it completes in four
// shells, and it costs the sidecar nothing, which is started without it.
//
// Start at [Run].
package cli
