package registry

import "io/fs"

// isOpenToOthers is false: Windows has no modes, and the profile's access list
// keeps others out.
func isOpenToOthers(fs.FileInfo) bool { return false }
