// Package protocol declares the wire protocol between an editor extension and
// codestream-agent: every method, parameter, result, notification and error
// code, once. All else that speaks the protocol, in Go or in another language,
// is bound to these declarations or generated from them.
//
// The transport is JSON-RPC 2.0 in the frames of the Language Server Protocol
// 3.17 (https://microsoft.github.io/language-server-protocol/). Methods under
// "gitlabSM/" are the product's own; the others are LSP's, with just the fields
// that the agent reads or writes.
//
// A struct field without omitempty or omitzero is required in parameters and
// always present in results; a pointer that is present may be null. Times are
// RFC 3339 in UTC. The package imports the standard library only.
//
// Start at [Declarations], which lists every method in the order of the
// reference page, and at [Code], which lists every error.
package protocol
