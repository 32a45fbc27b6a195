// Package store keeps instances, accounts and their secrets in one bbolt file
// that every agent process of a user shares. It is the only importer of bbolt.
//
// The file is opened for each transaction and closed after it, since an open
// file would lock out the agents of other windows. A transaction therefore
// never spans a network call; [Store.LockAccount] is what serialises those.
//
// Records are JSON in buckets of their own; secrets are apart from them, sealed
// with AES-256-GCM under a data key and bound to the place where they lie, so
// that a record copied elsewhere does not open. They are unsealed only when
// asked for: listing accounts needs no key.
//
// A sealed record names its data key. The key lies in the user's keyring
// ([Keyring]), or where that does not answer in a file beside the store. It moves
// with the next secret that is written: another key is made where it should be,
// all that can be opened is sealed again in one transaction, and then the old key
// goes. Several keys may be in use meanwhile. The store has a note of each key
// before there is one and until it is gone, so that a crash at any moment leaves
// nothing unreadable, and nothing behind that is not cleared away later. Keys are
// fetched between transactions: a keyring that waits for the user holds up nobody
// else.
//
//	<data directory>/          mode 0700
//	  agent.db                 mode 0600, the bbolt file
//	  key-ID                   mode 0600, a data key that is not in the keyring
//	  key                      the only data key of schema 1
//	  locks/                   one lock file an account; empty, never removed
//	  agent.db.gate            where those who read wait for one who writes (gate.go)
//	  agent.db.mend            held by whoever puts a damaged file aside
//	  agent.db.damaged-TIME    a damaged file, kept for whoever wants to look
//
// Modes that are too wide are mended, and directories that others can write to are
// refused (secure.go). bbolt trusts its file; since damage would have it hang or
// take all memory, the pages are looked at before it does (pages.go).
//
// Start at [Store.View] and [Store.Update].
package store
