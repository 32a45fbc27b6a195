package store

import "io/fs"

// Windows has no modes and no such flags. Files inherit the access list of the
// user's profile, where the data directory lies, which lets in nobody but the
// user, the system and its administrators; and only these can make links there.
const (
	hasModes = false
	noFollow = 0
	nonBlock = 0
)

// isOwn is true: who may write there was decided by the profile.
func isOwn(fs.FileInfo) bool { return true }
