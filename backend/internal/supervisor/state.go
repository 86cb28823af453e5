package supervisor

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"understudy.dev/service/file"
)

// State is where a running platform can be reached; it is saved in the data
// directory for the command line.
type State struct {
	PID       int    `json:"pid"`
	Backend   string `json:"backend"` // base URLs
	Evaluator string `json:"evaluator"`
	Trainer   string `json:"trainer"`
	Frontend  string `json:"frontend"`
	Replay    string `json:"replay,omitempty"`
	RunPod    string `json:"runpod,omitempty"` // the simulation's
	Socket    string `json:"socket"`           // the local node's
}

const stateFile = "platform.json"

func newState(o Options, s sockets) State {
	st := State{
		PID: os.Getpid(), Backend: s.url("backend"), Evaluator: s.url("evaluator"), Trainer: s.url("trainer"), Frontend: s.url("frontend"),
		Socket: filepath.Join(o.DataDir, "node.sock"),
	}
	if s["replay"] != nil {
		st.Replay = s.url("replay")
	}
	if s["runpod"] != nil {
		st.RunPod = s.url("runpod")
	}
	// A socket's path may have about 100 bytes: a deep data directory has none
	// to spare.
	if len(st.Socket) > 100 {
		st.Socket = filepath.Join(os.TempDir(), fmt.Sprintf("understudy-%d.sock", st.PID))
	}
	return st
}

func (s State) save(dir string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return file.Replace(filepath.Join(dir, stateFile), b, 0o600)
}

// LoadState reads where the platform with this data directory can be reached.
func LoadState(dir string) (State, error) {
	var s State
	b, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(b, &s)
}

// keys are made at the first start and kept in files that only their owner
// reads.
type keys struct{ admin, service string }

// Names of the key files in the data directory.
const (
	AdminKeyFile     = "admin-key"
	ServiceTokenFile = "service-token"
	ClientKeyFile    = "client-key" // for /v1, made through the API at the first start
)

func loadKeys(dir string) (keys, error) {
	var k keys
	for _, f := range []struct {
		file, prefix string
		into         *string
	}{{AdminKeyFile, "ua-", &k.admin}, {ServiceTokenFile, "us-", &k.service}} {
		v, err := loadKey(filepath.Join(dir, f.file), f.prefix)
		if err != nil {
			return k, err
		}
		*f.into = v
	}
	return k, nil
}

func loadKey(path, prefix string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read a key: %w", err)
	}
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	key := prefix + base64.RawURLEncoding.EncodeToString(raw)
	if err := file.Replace(path, []byte(key+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep a key: %w", err)
	}
	return key, nil
}

// lockDir makes sure that one supervisor at a time uses a data directory.
func lockDir(dir string) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another Understudy already runs with the data directory %s; end it first, or choose another with --data-dir", dir)
	}
	return f, nil
}

// CheckFree returns an error if a supervisor runs with this data directory.
func CheckFree(dir string) error {
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	return lock.Close()
}
