package pgtest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// binaries returns a folder with postgres and initdb: what PATH has, what
// Debian and Ubuntu keep off it, else a download that is kept for next time.
func binaries() (string, error) {
	var folders []string
	if p, err := exec.LookPath("postgres"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			folders = append(folders, filepath.Dir(p))
		}
	}
	packaged, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(packaged) // the newest first
	folders = append(append(folders, packaged...), "/usr/local/bin", "/usr/local/pgsql/bin", "/opt/homebrew/bin")
	for _, f := range folders {
		if complete(f) {
			return f, nil
		}
	}
	return download()
}

func complete(folder string) bool {
	for _, name := range []string{"postgres", "initdb"} {
		if i, err := os.Stat(filepath.Join(folder, name)); err != nil || i.IsDir() {
			return false
		}
	}
	return true
}

// download lets embedded-postgres fetch and unpack its archive. It can start
// the server only where we are not root, so starting is left to us; the folder
// is one that other users can read.
func download() (string, error) {
	folder := filepath.Join(os.TempDir(), fmt.Sprintf("understudy-postgres-%s-%d", embeddedpostgres.V16, os.Getuid()))
	if bin := filepath.Join(folder, "bin"); complete(bin) {
		return bin, nil
	}
	runtime, err := os.MkdirTemp("", "pgtest-runtime")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(runtime)
	port, err := freePort()
	if err != nil {
		return "", err
	}
	db := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().Version(embeddedpostgres.V16).
		BinariesPath(folder).RuntimePath(runtime).Port(uint32(port)).Logger(io.Discard).StartTimeout(time.Minute))
	if err = db.Start(); err == nil {
		err = db.Stop()
	}
	if bin := filepath.Join(folder, "bin"); complete(bin) {
		return bin, os.Chmod(folder, 0o755)
	}
	return "", fmt.Errorf("there is no PostgreSQL on this machine (install the package postgresql), and it could not be fetched: %w", err)
}
