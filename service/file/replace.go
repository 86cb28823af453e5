// Package file writes files whole.
package file

import (
	"io/fs"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Replace writes the file at once or not at all, so that who reads it at any
// moment, or after a crash, finds the old content or the new. A process that is
// killed meanwhile may leave a hidden file beside it, named .<name><number>;
// never one in the system's folder for temporary files, which nobody sweeps for
// us and which other users share.
func Replace(path string, content []byte, perm fs.FileMode) error {
	return renameio.WriteFile(path, content, perm, renameio.WithTempDir(filepath.Dir(path)))
}
