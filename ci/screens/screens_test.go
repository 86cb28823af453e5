// Package screens looks at the command line in a real terminal, beside a
// running platform.
package screens

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"understudy.dev/ci/platform"
)

func understudy(t *testing.T, data string, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(platform.Root(t), "bin", "understudy"), append([]string{"--data-dir", data}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("understudy %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestTheMonitorInATerminal(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed")
	}
	data := t.TempDir()
	platform.Up(t, data, "OPENAI_API_KEY=sk-none", "OPENAI_BASE_URL=http://127.0.0.1:9/v1")
	understudy(t, data, "endpoints", "create", "triage")

	t.Run("live", func(t *testing.T) {
		out := filepath.Join(t.TempDir(), "screens.txt")
		cmd := exec.Command(filepath.Join(platform.Root(t), "ci/screens/monitor.sh"), out, "--data-dir", data)
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		wide, rest, _ := strings.Cut(string(raw), "\nb\n")
		question, narrow, _ := strings.Cut(rest, "(80 columns)\n")
		for _, want := range []string{"triage", "no model yet", "evaluator", "backend", "redis", "VOLUMES (2)", data[:20], "Endpoint triage was created"} {
			if !strings.Contains(wide, want) {
				t.Errorf("%q is not on the wide screen:\n%s", want, wide)
			}
		}
		if !strings.Contains(question, "Send everything to the LLM? y/n") {
			t.Errorf("it asks %q", question)
		}
		for line := range strings.Lines(narrow) {
			if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("too wide: %s", line)
			}
		}
		if strings.Contains(understudy(t, data, "status", "-o", "json"), `"bypass": true`) {
			t.Error("the bypass is on although the answer was no")
		}
	})

	t.Run("once", func(t *testing.T) {
		if out := understudy(t, data, "monitor", "--once"); strings.Contains(out, "\x1b") || !strings.Contains(out, "triage") {
			t.Errorf("got %q", out)
		}
		var picture struct {
			World struct{ Pods []struct{ Name string } }
		}
		if err := json.Unmarshal([]byte(understudy(t, data, "monitor", "--once", "-o", "json")), &picture); err != nil || len(picture.World.Pods) < 5 {
			t.Errorf("got %+v, %v", picture, err)
		}
	})

	t.Run("metrics", func(t *testing.T) {
		raw, err := os.ReadFile(filepath.Join(platform.Root(t), "ci/contract/metrics.json"))
		if err != nil {
			t.Fatal(err)
		}
		var contract struct{ Backend, Evaluator, Trainer []string }
		if err := json.Unmarshal(raw, &contract); err != nil {
			t.Fatal(err)
		}
		var state struct{ Backend, Evaluator, Trainer, Frontend string }
		raw, err = os.ReadFile(filepath.Join(data, "platform.json"))
		if err == nil {
			err = json.Unmarshal(raw, &state)
		}
		if err != nil {
			t.Fatal(err)
		}
		for url, names := range map[string][]string{state.Backend: contract.Backend, state.Evaluator: contract.Evaluator, state.Trainer: contract.Trainer, state.Frontend: nil} {
			got := scrape(t, url)
			if !slices.Contains(got, "process_cpu_seconds_total") {
				t.Errorf("%s tells nothing of its process", url)
			}
			for _, name := range got {
				if strings.HasPrefix(name, "understudy_") && !slices.Contains(names, name) {
					t.Errorf("%s exposes %s, of which the contract knows nothing", url, name)
				}
			}
			if url == state.Backend && !slices.Contains(got, "understudy_database_up") || url == state.Trainer && !slices.Contains(got, "understudy_trainer_jobs") {
				t.Errorf("%s exposes %q", url, got)
			}
		}
	})
}

// scrape returns the metrics' names, as their TYPE lines say them.
func scrape(t *testing.T, url string) (names []string) {
	t.Helper()
	res, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 4 && f[1] == "TYPE" {
			names = append(names, f[2])
		}
	}
	return names
}
