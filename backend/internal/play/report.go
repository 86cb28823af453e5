package play

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"understudy.dev/service/file"
)

// Report is the outcome of a play, as REPORT=file.json holds it.
type Report struct {
	Teacher      string             `json:"teacher"`  // replay or live
	Requests     int                `json:"requests"` // of all acts
	Captured     int64              `json:"captured"` // pairs stored
	TrainPairs   int                `json:"trainPairs"`
	EvalPairs    int                `json:"evalPairs"`
	Metric       string             `json:"metric"`
	BaseScore    float64            `json:"baseScore"`
	BaseN        int                `json:"baseN"`
	TunedScore   float64            `json:"tunedScore"`
	LookupScore  float64            `json:"lookupScore"`   // a nearest-neighbour look-up over the train prompts
	ShuffleScore float64            `json:"shuffledScore"` // answers dealt at random
	NearPairs    int                `json:"nearPairs"`
	FarPairs     int                `json:"farPairs"`
	FarScore     float64            `json:"farScore"`
	Identical    int                `json:"identical"`
	Close        int                `json:"close"`
	Different    int                `json:"different"`
	LowerBound   float64            `json:"lowerBound"`
	Threshold    float64            `json:"threshold"`
	Verdict      string             `json:"verdict"`
	Reason       string             `json:"reason"`
	Phase        string             `json:"phase"`
	Release      string             `json:"release"`
	Revision     int                `json:"revision"`
	Eligible     int                `json:"eligible"`  // of the last act's requests
	LastAct      int                `json:"lastAct"`   // the last act's requests
	SLMShare     float64            `json:"slmShare"`  // of the eligible ones, the teacher's sample apart
	Agreement    *float64           `json:"agreement"` // null: the SLM answered nothing
	Failed       int                `json:"failed"`
	CostUSD      float64            `json:"costAtListPriceUSD"`
	SavedUSD     float64            `json:"savedAtListPriceUSD"`
	Ledger       *Ledger            `json:"ledger,omitempty"`
	Seconds      map[string]float64 `json:"seconds"`
	Provider     string             `json:"provider"` // who trained: local, static, runpod
	TrainingUSD  float64            `json:"costUSD"`  // of the training, by the machines' price and time
	Pod          *Pod               `json:"pod,omitempty"`
	Error        string             `json:"error,omitempty"`
}

// Ledger is what the play would have come to, had the money been real.
type Ledger struct {
	NotSpentUSD float64 `json:"notSpentUSD"`
	ServingUSD  float64 `json:"servingUSD"`
	TrainingUSD float64 `json:"trainingUSD"`
	SampleUSD   float64 `json:"sampleUSD"`
	NetUSD      float64 `json:"netUSD"`
	LowUSD      float64 `json:"lowUSD"`
	HighUSD     float64 `json:"highUSD"`
	CPUSeconds  float64 `json:"cpuSeconds"` // of the SLM, as far as it was measured before the end
	BreakEven   *int64  `json:"breakEvenRequests,omitempty"`
}

// words says when the training has paid for itself.
func (l Ledger) words() string {
	if l.BreakEven == nil {
		return "at these prices it never pays"
	}
	return fmt.Sprintf("the training pays after %d requests", *l.BreakEven)
}

// Write writes the report as one JSON object.
func (r Report) Write(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	write := file.Replace
	// A link, a pipe or a device, as /dev/stdout, is written to, not replaced.
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		write = os.WriteFile
	}
	if err := write(path, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// CheckWritable finds out before the play that the report's file cannot be
// written.
func CheckWritable(path string) error {
	_, missing := os.Stat(path)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("REPORT: %w", err)
	}
	err = f.Close()
	if missing != nil { // a play that fails leaves no empty report
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// Print writes the report for a person.
func (r Report) Print(w io.Writer) {
	row := func(label, format string, args ...any) {
		fmt.Fprintf(w, "  %-12s %s\n", label, fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(w)
	if r.Teacher == "replay" {
		row("teacher", "a replay of recorded answers: no LLM was asked, and nothing is said of its speed")
	} else {
		row("teacher", "a live LLM")
	}
	if r.Pod != nil {
		row("trained on", "%s", r.Pod.words(r.TrainingUSD))
	}
	row("captured", "%d of %d requests; %d pairs to learn from, %d kept for the exam", r.Captured, r.Requests, r.TrainPairs, r.EvalPairs)
	n := r.Identical + r.Close + r.Different
	if n > 0 {
		row("exam", "of %d unseen requests: %d identical, %d close, %d different", n, r.Identical, r.Close, r.Different)
		row("", "%s %s, at least %s with 95 %% confidence; the threshold is %s: %s", r.Metric, percent(r.TunedScore), percent(r.LowerBound), percent(r.Threshold), r.Verdict)
		row("yardsticks", "untrained base %s (%d requests), nearest-neighbour look-up %s, shuffled answers %s", percent(r.BaseScore), r.BaseN, percent(r.LookupScore), percent(r.ShuffleScore))
		if r.NearPairs > 0 && r.FarPairs > 0 {
			row("", "%d of the requests have a near twin among those learnt from; on %d that have none: %s", r.NearPairs, r.FarPairs, percent(r.FarScore))
		}
	}
	row("model", "%s%s", r.Phase, suffix(r.Release != "", fmt.Sprintf(", Helm release %s, revision %d", r.Release, r.Revision)))
	if r.LastAct > 0 {
		if r.Eligible == 0 {
			row("on stage", "the LLM alone: it answered all %d requests, %d failed", r.LastAct, r.Failed)
		} else {
			row("on stage", "%s of %d eligible requests answered by the SLM (%d requests in all), %d failed", percent(r.SLMShare), r.Eligible, r.LastAct, r.Failed)
		}
		if r.Agreement != nil {
			row("agreement", "%s with the teacher, on conversations never seen", percent(*r.Agreement))
		}
		row("money", "%s spent on the LLM, %s not spent, at list price", usd(r.CostUSD), usd(r.SavedUSD))
		if l := r.Ledger; l != nil {
			took := fmt.Sprintf("%.0f s of processor time", l.CPUSeconds)
			if l.CPUSeconds == 0 { // the meter looks every quarter of a minute
				took = "at most: its processor time was not read yet"
			}
			row("", "serving %s (%s), training %s, sample %s: net %s (%s to %s), an estimate; %s", usd(l.ServingUSD), took,
				usd(l.TrainingUSD), usd(l.SampleUSD), usd(l.NetUSD), usd(l.LowUSD), usd(l.HighUSD), l.words())
		}
	}
	if r.Reason != "" {
		row("because", "%s", r.Reason)
	}
	var acts []string
	for _, a := range actNames {
		if s, ok := r.Seconds[a]; ok {
			acts = append(acts, fmt.Sprintf("%s %.0f s", a, s))
		}
	}
	row("time", "%s", strings.Join(acts, ", "))
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// usd has its sign before the dollar's.
func usd(x float64) string {
	if x < 0 {
		return fmt.Sprintf("-$%.4f", -x)
	}
	return fmt.Sprintf("$%.4f", x)
}

func suffix(ok bool, s string) string {
	if ok {
		return s
	}
	return ""
}

// The acts, in their order; also the keys of Report.Seconds.
const (
	actCapture    = "capture"
	actTraining   = "training"
	actEvaluation = "evaluation"
	actDeployment = "deployment"
	actServing    = "serving"
	total         = "total"
)

var actNames = []string{actCapture, actTraining, actEvaluation, actDeployment, actServing, total}

func seconds(since time.Time) float64 {
	return time.Since(since).Round(100 * time.Millisecond).Seconds()
}
