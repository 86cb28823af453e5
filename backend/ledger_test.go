package understudy

import (
	"math"
	"strings"
	"testing"
	"time"
)

var rates = Rates{CPUHour: 0.04, Threads: 2}

// alike is a day on which each sampled request cost the LLM llm and the SLM's
// tokens would have cost slm.
func alike(day string, sampled int64, llm, slm float64) DayFacts {
	n := float64(sampled)
	return DayFacts{Endpoint: "e", Day: day, LLM: sampled, Sample: sampled, Shadows: sampled, LLMUSD: n * llm,
		SampleUSD: n * llm, SampleUSD2: n * llm * llm, ShadowUSD: n * slm, ShadowUSD2: n * slm * slm}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s is %g, want %g", what, got, want)
	}
}

func TestTheLedgerSetsWhatWasNotSpentAgainstWhatWas(t *testing.T) {
	f := alike("2026-11-02", 100, 0.002, 0.001)
	f.SLM, f.SLMUSD, f.CPU = 1900, 1.9, 5*time.Hour
	l := NewLedger("e", []DayFacts{f}, []TrainingCost{{Day: "2026-11-01", USD: 0.5}}, rates)
	// The sampled requests cost twice of what the SLM's tokens make of them.
	near(t, "not spent", l.Sum.NotSpentUSD, 3.8)
	near(t, "serving", l.Sum.ServingUSD, 0.2)
	near(t, "training", l.Sum.TrainingUSD, 0.5)
	near(t, "sample", l.Sum.SampleUSD, 0.2)
	near(t, "net", l.Sum.NetUSD, 3.8-0.2-0.5-0.2)
	near(t, "low", l.Low, l.Sum.NetUSD) // all samples are alike: no doubt
	if len(l.Days) != 2 || l.Days[0].Day != "2026-11-01" || l.Days[0].NetUSD != -0.5 || l.Days[0].Estimated {
		t.Errorf("the day of the training is %+v", l.Days[0])
	}
	if !l.Days[1].Estimated || !l.Sum.Estimated {
		t.Error("what was not spent is always an estimate")
	}
	// 3.4 dollars by 2,000 requests pay for half a dollar after 295 of them.
	if l.BreakEven == nil || *l.BreakEven != 295 {
		t.Errorf("break-even at %v", l.BreakEven)
	}
}

func TestFewSamplesLeaveDoubt(t *testing.T) {
	f := alike("2026-11-02", leastSamples-1, 0.002, 0.001)
	f.SLM, f.SLMUSD = 1000, 1
	l := NewLedger("e", []DayFacts{f}, nil, rates)
	near(t, "not spent", l.Sum.NotSpentUSD, 1)
	near(t, "low", l.Low, l.Sum.NetUSD-0.25)
	near(t, "high", l.High, l.Sum.NetUSD+0.25)
	if len(l.Notes) != 1 || !strings.Contains(l.Notes[0], "only 29 sampled requests") {
		t.Errorf("notes are %q", l.Notes)
	}
}

func TestTheRangeGrowsWithTheSpreadOfTheSamples(t *testing.T) {
	f := alike("2026-11-02", 100, 0.002, 0.001)
	f.SLM, f.SLMUSD = 1000, 1
	f.SampleUSD2 *= 2 // a standard deviation as large as the mean
	l := NewLedger("e", []DayFacts{f}, nil, rates)
	// 2 dollars, a relative error of 1/sqrt(99), 1.96 of it on either side
	near(t, "width", l.High-l.Low, 2*1.96*2/math.Sqrt(99))
}

func TestALossIsALoss(t *testing.T) {
	f := DayFacts{Day: "2026-11-02", LLM: 10, SLM: 10, SLMUSD: 0.001, CPU: time.Hour}
	l := NewLedger("e", []DayFacts{f}, []TrainingCost{{Day: "2026-11-02", USD: 2}}, rates)
	if l.Sum.NetUSD > -2 {
		t.Errorf("net is %g", l.Sum.NetUSD)
	}
	if l.BreakEven != nil {
		t.Errorf("it never pays, but breaks even at %d", *l.BreakEven)
	}
}

func TestProcessorTimeThatNobodyMeasuredIsTheMostItCanBe(t *testing.T) {
	f := DayFacts{Day: "2026-11-02", SLM: 10, SLMUSD: 1, SLMTime: time.Hour}
	l := NewLedger("e", []DayFacts{f}, nil, rates)
	near(t, "serving", l.Sum.ServingUSD, 2*0.04)
	near(t, "high", l.High, 1+0.25) // it may have cost nothing
	if len(l.Notes) != 2 || !strings.Contains(l.Notes[1], "not measured") {
		t.Errorf("notes are %q", l.Notes)
	}
}

func TestLedgersAddUp(t *testing.T) {
	a := NewLedger("a", []DayFacts{{Day: "2026-11-01", LLM: 1, LLMUSD: 1}, {Day: "2026-11-03", SLM: 1, SLMUSD: 2}}, nil, rates)
	b := NewLedger("b", []DayFacts{{Day: "2026-11-03", SLM: 2, SLMUSD: 3}}, []TrainingCost{{Day: "2026-11-02", USD: 4}}, rates)
	s := SumLedgers([]Ledger{a, b})
	if len(s.Days) != 3 || s.Days[2].SLM != 3 || s.Sum.LLM != 1 {
		t.Fatalf("got %+v", s)
	}
	near(t, "net", s.Sum.NetUSD, a.Sum.NetUSD+b.Sum.NetUSD)
	near(t, "low", s.Low, a.Low+b.Low)
}

func TestATrainingOfOnesOwnCostsItsProcessorsTime(t *testing.T) {
	start := time.Date(2026, 11, 1, 23, 0, 0, 0, time.UTC)
	end := start.Add(2 * time.Hour)
	m := Model{Endpoint: "e", Training: TrainingRecord{Attempt: 1, StartedAt: &start, EndedAt: &end}}
	c := CostsOf(m, true, 4, 0.05, end)
	if len(c) != 1 || c[0].Day != "2026-11-02" || !c[0].Estimated || c[0].Rented != 0 || math.Abs(c[0].USD-0.4) > 1e-12 {
		t.Errorf("got %+v", c)
	}
	if c := CostsOf(m, false, 4, 0.05, end); len(c) != 0 {
		t.Errorf("a machine that is not paid by the hour costs %+v", c)
	}
	if c := CostsOf(Model{}, true, 4, 0.05, end); len(c) != 0 {
		t.Errorf("a training that has not begun costs %+v", c)
	}
}

func TestEveryTrainingThatRentedMachinesCosts(t *testing.T) {
	first, second := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	bill := 0.55
	m := Model{Endpoint: "e", Training: TrainingRecord{Attempt: 2, StartedAt: &second, EndedAt: &second, Rentals: []Rental{
		{Attempt: 1, Machines: 1, Time: time.Hour, Reckoned: 0.5, BilledUSD: &bill, EndedAt: &first},
		{Attempt: 2, Machines: 2, Time: 30 * time.Minute, Reckoned: 0.25, EndedAt: &second},
	}}}
	l := NewLedger("e", nil, CostsOf(m, true, 4, 0.05, second), rates)
	near(t, "training", l.Sum.TrainingUSD, 0.8)
	if l.Sum.Rented != 90*time.Minute || len(l.Days) != 2 || l.Days[0].Estimated || !l.Days[1].Estimated {
		t.Errorf("got %+v", l)
	}
	want := []string{"rented machines for 1.50 hours, $0.8000 in all", "bill of 1 of 2 trainings on rented machines is not known yet: $0.2500"}
	for i, words := range want {
		if len(l.Notes) != len(want) || !strings.Contains(l.Notes[i], words) {
			t.Errorf("notes are %q, not %q", l.Notes, want)
		}
	}
	m.Training.Attempt = 3 // the next one runs here
	if l := NewLedger("e", nil, CostsOf(m, true, 4, 0.05, second.Add(time.Hour)), rates); math.Abs(l.Sum.TrainingUSD-0.8) > 1e-9 {
		t.Errorf("it ended as soon as it began, and costs $%g", l.Sum.TrainingUSD)
	}
	m.Training.EndedAt = nil
	if l := NewLedger("e", nil, CostsOf(m, true, 4, 0.05, second.Add(time.Hour)), rates); math.Abs(l.Sum.TrainingUSD-1) > 1e-9 {
		t.Errorf("an hour on four processors beside what was rented: $%g", l.Sum.TrainingUSD)
	}
}
