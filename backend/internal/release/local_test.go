package release

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/localnode"
	"understudy.dev/backend/internal/localnode/fakepod"
	"understudy.dev/backend/internal/release/releasetest"
)

func TestMain(m *testing.M) {
	fakepod.MaybeRun()
	os.Exit(m.Run())
}

// local is a stage on a real local node whose image is the fake pod.
type local struct {
	*Local
	config  LocalConfig
	records *memoryRecords
	server  *localnode.Server
	base    understudy.Base
	node    localnode.ServerConfig
}

func openLocal(t *testing.T, more ...func(*local)) *local {
	t.Helper()
	dir, err := os.MkdirTemp("", "release") // short: a socket lies in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	models := filepath.Join(dir, "models")
	if err := os.MkdirAll(models, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(models, testBase.Serve.File), []byte("weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := &local{records: newMemory(), base: testBase}
	l.node = localnode.ServerConfig{Socket: filepath.Join(dir, "s"), DataDir: dir,
		Binaries: map[string]string{"understudy-slm-inference": os.Args[0]}, Env: []string{"FAKEPOD=1", "PATH=" + os.Getenv("PATH")},
		Backoff: 10 * time.Millisecond, MaxBackoff: 50 * time.Millisecond}
	l.config = LocalConfig{Socket: l.node.Socket, Records: l.records,
		Settings: Settings{BackendURL: "http://127.0.0.1:8000", TrainerURL: "http://127.0.0.1:8002", ModelsDir: models}}
	if testing.Verbose() {
		l.config.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	for _, m := range more {
		m(l)
	}
	l.startNode(t)
	l.connect(t)
	return l
}

// startNode starts a node, a new one where one was before.
func (l *local) startNode(t *testing.T) {
	t.Helper()
	if l.server != nil {
		l.server.Close()
	}
	s, err := localnode.NewServer(l.node)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	l.server = s
}

// connect is what a backend does when it starts.
func (l *local) connect(t *testing.T) {
	t.Helper()
	if l.Local != nil {
		l.Close()
	}
	made, err := NewLocal(l.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { made.Close() })
	l.Local = made
}

func (l *local) stage() releasetest.Stage {
	return releasetest.Stage{Releases: l.Local, Runtime: l.Local, Delete: func(t *testing.T, kind, name string) {
		if err := l.Local.node.Delete(t.Context(), localnode.Ref{Kind: kind, Name: name}); err != nil {
			t.Fatal(err)
		}
	}}
}

func (l *local) release(endpoint string, mode understudy.ReleaseMode) understudy.Release {
	return releasetest.Release(endpoint, 1, mode, l.base)
}

var testBase = understudy.Base{Name: "tiny", ContextLength: 512, Serve: understudy.BaseFile{File: "tiny.gguf"}}

func TestTheLocalNodeConforms(t *testing.T) {
	releasetest.Run(t, testBase, func(t *testing.T) releasetest.Stage { return openLocal(t).stage() })
}
