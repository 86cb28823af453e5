package localnode

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

const (
	maxLogSize = 5 << 20 // bytes; then the file becomes <pod>.log.1
	tailLines  = 12
	keptLogs   = 100 // files kept over a start of the node
)

// logFile keeps a pod's output, at most twice maxLogSize of it, and remembers
// its last lines.
type logFile struct {
	mu   sync.Mutex
	path string
	file *os.File
	size int64
	tail []string
	part []byte // of the line that is being written
}

// newLog never fails: output that cannot be written is only remembered.
func newLog(path string) *logFile {
	l := &logFile{path: path}
	l.open()
	return l
}

func (l *logFile) open() {
	l.file, _ = os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	l.size = 0
}

// Write never fails either: a full disk must not end a container.
func (l *logFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		n, _ := l.file.Write(b)
		if l.size += int64(n); l.size > maxLogSize {
			l.file.Close()
			_ = os.Rename(l.path, l.path+".1")
			l.open()
		}
	}
	l.part = append(l.part, b...)
	for {
		line, rest, ok := bytes.Cut(l.part, []byte("\n"))
		if !ok {
			break
		}
		l.remember(string(line))
		l.part = rest
	}
	if len(l.part) > 4096 {
		l.remember(string(l.part))
		l.part = nil
	}
	return len(b), nil
}

func (l *logFile) remember(line string) {
	if line = plain(strings.TrimSpace(strings.ToValidUTF8(line, "?"))); line == "" {
		return
	}
	if len(line) > 500 {
		line = strings.ToValidUTF8(line[:500], "") + "…"
	}
	if l.tail = append(l.tail, line); len(l.tail) > tailLines {
		l.tail = slices.Clone(l.tail[1:])
	}
}

// last returns up to n of the last lines.
func (l *logFile) last(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.tail
	if part := strings.TrimSpace(string(l.part)); part != "" {
		lines = append(slices.Clone(lines), part)
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// forget drops the remembered lines: those of a new run are to come.
func (l *logFile) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail, l.part = nil, nil
}

func (l *logFile) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
}

// pruneLogs removes all but the newest files of the pods' log directory.
func pruneLogs(dir string, keep int) {
	paths, _ := filepath.Glob(filepath.Join(dir, "*.log*"))
	newest := func(path string) string {
		info, err := os.Stat(path)
		if err != nil {
			return ""
		}
		return fmt.Sprintf("%020d", info.ModTime().UnixNano())
	}
	slices.SortFunc(paths, func(a, b string) int { return strings.Compare(newest(b), newest(a)) })
	for _, path := range paths[min(keep, len(paths)):] {
		_ = os.Remove(path)
	}
}
