//go:build !windows

package registry

import "io/fs"

// isOpenToOthers reports whether other users may read a file.
func isOpenToOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
