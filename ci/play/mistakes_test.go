package play

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"understudy.dev/ci/platform"
)

func conversations(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"messages":[{"role":"user","content":"question %s %d"},{"role":"assistant","content":"a"}]}`+"\n", words[i%len(words)], i)
	}
	return b.String()
}

// A mistake ends a run with status 1 and a sentence, before anything is
// started or written.
func TestAMistakeEndsARunBeforeItBegins(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	good := conversations(800)
	for _, c := range []struct {
		name string
		data string // "" = no file is there
		args []string
		says []string
	}{
		{"no such file", "", nil, []string{"there is no file"}},
		{"an empty file", "\n", nil, []string{"0 different conversations", "at least 700"}},
		{"too few conversations", conversations(20), nil, []string{"20 different conversations", "at least 700"}},
		{"broken lines", "{\n" + good + "7\n", nil, []string{"line 1:", "line 802:"}},
		{"a port in use", good, []string{"--backend-port=" + port}, []string{"port " + port + " for the backend is in use", "--backend-port"}},
		{"a report that cannot be written", good, []string{"--report", "/no/such/folder/report.json"}, []string{"/no/such/folder"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data.jsonl")
			if c.data != "" {
				if err := os.WriteFile(path, []byte(c.data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			status, _, out := run(t, path, c.args...)
			if status != 1 {
				t.Errorf("exit status %d, want 1", status)
			}
			for _, want := range c.says {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not said", want)
				}
			}
			if strings.Contains(out, "every pair is kept") {
				t.Error("the play began")
			}
			if left := platform.Below(os.Getpid()); len(left) > 0 {
				t.Errorf("processes are left: %v", left)
			}
		})
	}
}

// A folder with other people's data is not emptied.
func TestARunTakesNoFolderThatHoldsOtherData(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine.txt")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "data.jsonl")
	if err := os.WriteFile(path, []byte(conversations(800)), 0o600); err != nil {
		t.Fatal(err)
	}
	status, _, out := run(t, path, "--data-dir", dir)
	if status != 1 || !strings.Contains(out, "holds data that no play made") {
		t.Errorf("exit status %d", status)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}
