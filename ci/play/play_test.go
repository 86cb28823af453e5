// Package play plays the main job on other people's conversations, as a user
// would: `bin/understudy run --data file`.
package play

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"understudy.dev/ci/platform"
)

type report struct {
	Teacher, Metric, Verdict, Phase, Reason         string
	Requests, Captured, EvalPairs                   int
	Identical, Close, Different, Failed             int
	BaseScore, TunedScore, LowerBound, Threshold    float64
	SLMShare, Agreement, LookupScore, ShuffledScore float64

	Provider string
	CostUSD  float64
	Pod      *struct {
		Simulated               bool
		ID, GPU, Where          string
		Machines, Left, Resumed int
		BilledUSD               *float64
	}
}

// reportKeys are what scripts read of REPORT=file.json, whether the gate let the
// model pass or not.
var reportKeys = strings.Fields(`teacher requests captured trainPairs evalPairs metric baseScore tunedScore identical close different
	lowerBound threshold verdict phase release revision slmShare agreement failed seconds`)

// run plays and returns the exit status, the report and what was printed.
func run(t *testing.T, data string, more ...string) (int, report, string) {
	t.Helper()
	return runWhile(t, data, func(string) {}, more...)
}

// runWhile is run, with something done while the platform comes up in its data
// directory.
func runWhile(t *testing.T, data string, during func(dataDir string), more ...string) (int, report, string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "report.json")
	args := append([]string{"run", "--data", data, "--data-dir", filepath.Join(dir, "data"), "--report", file,
		"--backend-port=0", "--evaluator-port=0", "--trainer-port=0", "--frontend-port=0"}, more...)
	cmd := exec.Command(filepath.Join(platform.Root(t), "bin", "understudy"), args...)
	cmd.Env = append(os.Environ(), "OPENAI_API_KEY=", "RUNPOD_API_KEY=", "RUNPOD_API_KEY_FILE=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Start()
	if err == nil {
		during(filepath.Join(dir, "data"))
		err = cmd.Wait()
	}
	t.Log(out.String())
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var r report
	if b, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		var keys map[string]any
		if err := json.Unmarshal(b, &keys); err != nil {
			t.Fatal(err)
		}
		for _, key := range reportKeys {
			if _, ok := keys[key]; !ok {
				t.Errorf("the report lacks %q", key)
			}
		}
		if acts, _ := keys["seconds"].(map[string]any); acts["total"] == nil || acts["training"] == nil {
			t.Errorf("the report's seconds are %v", keys["seconds"])
		}
	}
	return cmd.ProcessState.ExitCode(), r, out.String()
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func write(t *testing.T, list [][]message) string {
	t.Helper()
	var b bytes.Buffer
	for _, m := range list {
		if err := json.NewEncoder(&b).Encode(map[string]any{"messages": m}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "data.jsonl")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnswersThatCannotBeLearntAreRefused(t *testing.T) {
	labels := []string{"alpha", "beta", "gamma", "delta"}
	r := rand.New(rand.NewPCG(7, 7))
	var list [][]message
	for i := range 800 {
		list = append(list, []message{{"system", "Label the note."}, {"user", fmt.Sprintf("note about %s %s", words[r.IntN(len(words))], words[i%len(words)]+strings.Repeat("!", i/len(words)))}, {"assistant", labels[r.IntN(len(labels))]}})
	}
	status, rep, out := run(t, write(t, list), "--train-pairs", "120")
	if status != 2 {
		t.Fatalf("exit status %d, want 2", status)
	}
	if rep.Verdict != "refused" || rep.Phase != "Available" || rep.LowerBound >= rep.Threshold || rep.Failed != 0 || rep.SLMShare != 0 {
		t.Errorf("%+v", rep)
	}
	if !strings.Contains(out, "The gate refused the model, so the LLM goes on answering") {
		t.Error("the reason is not told")
	}
}

var words = strings.Fields("apple river stone cloud paper train candle window garden mirror bottle ladder pencil basket hammer button carpet feather island journal kettle lantern magnet needle orange pepper quilt rabbit saddle ticket umbrella violin walnut yarn zipper anchor bridge castle desert engine forest guitar harbor insect jacket kitten lemon market napkin oyster")

// TestBankingIntents plays ten intents of BANKING77 (PolyAI, CC BY 4.0;
// https://huggingface.co/datasets/PolyAI/banking77), whose train.csv
// BANKING77_CSV names.
func TestBankingIntents(t *testing.T) {
	path := os.Getenv("BANKING77_CSV")
	if path == "" {
		t.Skip("BANKING77_CSV is not set: it names BANKING77's train.csv")
	}
	status, rep, _ := run(t, write(t, intents(t, path, 10)))
	if status != 0 && status != 2 {
		t.Fatalf("exit status %d", status)
	}
	n := rep.Identical + rep.Close + rep.Different
	if exact := float64(rep.Identical) / float64(n); exact < 0.85 || rep.BaseScore > 0.1 {
		t.Errorf("%.1f %% exact on %d, the base %.1f %%", 100*exact, n, 100*rep.BaseScore)
	}
	if passed := rep.LowerBound >= rep.Threshold; passed != (rep.Verdict == "passed") || passed != (status == 0) {
		t.Errorf("the gate does not follow its numbers: %+v, exit status %d", rep, status)
	}
}

// intents turns the questions of the n most frequent intents into
// conversations, in an order of chance.
func intents(t *testing.T, path string, n int) [][]message {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, r := range rows[1:] {
		count[r[1]]++
	}
	var names []string
	for name := range count {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	names = names[:n]
	var out [][]message
	for _, r := range rows[1:] {
		if slices.Contains(names, r[1]) {
			out = append(out, []message{{"system", "Name the intent of the bank customer's question."}, {"user", r[0]}, {"assistant", r[1]}})
		}
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
