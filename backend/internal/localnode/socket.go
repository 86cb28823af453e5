package localnode

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// maxSocketPath leaves room in sockaddr_un's 108 bytes for the temporary name.
const maxSocketPath = 100

// listen binds a unix socket that only its owner can open: it is made in a
// private directory, so that the moment before chmod is protected too, and
// moved into place. A socket that nobody answers on any more is replaced.
func listen(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the control socket's path has %d bytes and may have %d; choose a shorter data directory: %s", len(path), maxSocketPath, path)
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, fmt.Errorf("another local node answers on %s; end it first", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the control socket's directory: %w", err)
	}
	private, err := os.MkdirTemp(filepath.Dir(path), ".n")
	if err != nil {
		return nil, fmt.Errorf("make a private directory: %w", err)
	}
	defer os.RemoveAll(private)
	temporary := filepath.Join(private, "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("bind the control socket: %w", err)
	}
	ln.SetUnlinkOnClose(false)
	if err = os.Chmod(temporary, 0o600); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		ln.Close()
		return nil, fmt.Errorf("put the control socket in its place: %w", err)
	}
	return ln, nil
}
