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
//	<data directory>/          mode 0700
//	  agent.db                 mode 0600, the bbolt file
//	  key                      mode 0600, the data key
//	  locks/                   one lock file an account; empty, never removed
//	  agent.db.mend            held by whoever puts a damaged file aside
//	  agent.db.damaged-TIME    a damaged file, kept for whoever wants to look
//
// Start at [Store.View] and [Store.Update].
package store
