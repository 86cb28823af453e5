package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"understudy.dev/backend/internal/wire"
)

// printModel is a model by itself: its line, and what is known of its training.
func (a *app) printModel(m wire.Model) error {
	if err := a.printModels(m, []wire.Model{m}); err != nil || a.format == "json" {
		return err
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	for _, f := range trainingFacts(m.Training) {
		fmt.Fprintf(w, "%s\t%s\n", f[0], f[1])
	}
	return w.Flush()
}

// trainingFacts are what a person asks of a training, as name and words; what is
// not known is left out.
func trainingFacts(t wire.Training) (facts [][2]string) {
	add := func(name, format string, args ...any) {
		facts = append(facts, [2]string{name, fmt.Sprintf(format, args...)})
	}
	switch made := t.Manifest; {
	case made != nil:
		add("trained", "%s", stepsOf(*made))
		add("data", "%s", pairsOf(*made))
		if made.Tokens > 0 {
			add("speed", "%.0f tokens/s: %d tokens in %s on %s", made.TokensPerSecond, made.Tokens, span(made.Seconds), made.Device)
		}
		if made.EvalExact != nil {
			add("validation", "%s said word for word, loss %.3f", percent(*made.EvalExact), t.EvalLoss)
		}
	case t.Step > 0:
		add("training", "step %d of %d, loss %.3f, %.0f tokens/s", t.Step, t.Steps, t.Loss, t.TokensPerSecond)
		if t.BestStep > 0 {
			add("validation", "%s said word for word, loss %.3f; step %d is the best so far", percent(t.EvalExact), t.EvalLoss, t.BestStep)
		}
	}
	if t.ResumedStep > 0 {
		add("resumed", "from the checkpoint of step %d", t.ResumedStep)
	}
	if g := t.GPUUse; g != nil {
		add("GPU", "%s, %d %% busy, %.1f of %.1f GiB", t.GPU, g.Utilization, gib(g.MemoryUsedBytes), gib(g.MemoryTotalBytes))
	}
	for _, r := range t.Rentals {
		add("cost", "%s", rentalWords(r))
	}
	if len(t.Rentals) > 1 {
		add("cost", "%s in all, %s", usd(t.CostUSD), basisWords(t.CostBasis))
	}
	for _, n := range t.Notes {
		add("note", "%s", n)
	}
	return facts
}

func stepsOf(m wire.Manifest) string {
	words := fmt.Sprintf("%d steps", m.Steps)
	if m.BestStep > 0 && m.BestStep != m.Steps {
		words += fmt.Sprintf(", the weights of step %d kept", m.BestStep)
	}
	switch m.StopReason {
	case "deadline":
		words += "; its deadline or budget ended it"
	case "validation":
		words += "; nothing got better any more"
	}
	return words
}

func pairsOf(m wire.Manifest) string {
	words := fmt.Sprintf("%d pairs", m.UsedPairs)
	if m.Pairs > 0 {
		words = fmt.Sprintf("%d of %d pairs", m.UsedPairs, m.Pairs)
	}
	if m.ValidationPairs > 0 {
		words += fmt.Sprintf(", %d of them for validation", m.ValidationPairs)
	}
	var left []string
	for _, why := range slices.Sorted(maps.Keys(m.SkippedBecause)) {
		left = append(left, fmt.Sprintf("%d: %s", m.SkippedBecause[why], why))
	}
	if len(left) > 0 {
		words += "; left out " + strings.Join(left, ", ")
	}
	return words
}

func rentalWords(r wire.Rental) string {
	words := fmt.Sprintf("%s %s: %s", usd(r.CostUSD), basisWords(r.CostBasis), r.GPU)
	if r.Where != "" {
		words += " in " + r.Where
	}
	words += " for " + span(r.RentedSeconds)
	if r.Machines > 1 {
		words += fmt.Sprintf(", %d machines", r.Machines)
	}
	return fmt.Sprintf("%s (attempt %d, %s)", words, r.Attempt, r.Provider)
}

func basisWords(basis string) string {
	if basis == wire.Bill {
		return "by the bill"
	}
	return "by price and time"
}

func span(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }
