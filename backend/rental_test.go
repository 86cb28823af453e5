package understudy

import (
	"testing"
	"time"
)

func TestABillThatIsNotWholeYetIsNotTakenForTheCost(t *testing.T) {
	of := func(usd float64) *float64 { return &usd }
	for name, c := range map[string]struct {
		rental Rental
		usd    float64
		billed bool
	}{
		"no bill yet":                            {Rental{Reckoned: 0.5}, 0.5, false},
		"the first hour of five":                 {Rental{Reckoned: 0.5, BilledUSD: of(0.1)}, 0.5, false},
		"nearly what was reckoned":               {Rental{Reckoned: 0.5, BilledUSD: of(0.48)}, 0.48, true},
		"more than was reckoned":                 {Rental{Reckoned: 0.5, BilledUSD: of(0.75)}, 0.75, true},
		"much less, and it will not change more": {Rental{Reckoned: 0.5, BilledUSD: of(0.1), Settled: true}, 0.1, true},
		"it never came":                          {Rental{Reckoned: 0.5, Settled: true}, 0.5, false},
	} {
		t.Run(name, func(t *testing.T) {
			if usd, billed := c.rental.USD(); usd != c.usd || billed != c.billed {
				t.Errorf("$%g, billed %t", usd, billed)
			}
		})
	}
}

func TestAModelsCostIsThatOfAllItsTrainings(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	var r TrainingRecord
	if usd, billed := r.CostUSD(); usd != 0 || billed {
		t.Errorf("nothing rented: $%g, billed %t", usd, billed)
	}
	job := func(id string, state JobState, usd float64, bill *float64) TrainingJob {
		return TrainingJob{ID: id, State: state, Machines: 1, CostUSD: usd, Rented: time.Minute, BilledUSD: bill, Machine: "pod-" + id, GPU: "L4"}
	}
	if r.Account(TrainingJob{ID: "m-1", State: JobSucceeded}, now) {
		t.Error("a job without a rented machine is news")
	}
	bill := 0.25
	for _, step := range []struct {
		job  TrainingJob
		news bool
	}{
		{job("m-1", JobProvisioning, 0.1, nil), true},
		{job("m-1", JobProvisioning, 0.1, nil), false},
		{job("m-1", JobFailed, 0.2, nil), true},
		{job("m-2", JobTraining, 0.3, nil), true},
		{job("m-1", JobFailed, 0.2, &bill), true},
		{job("m-1", JobFailed, 0.2, &bill), false},
	} {
		before := len(r.Rentals)
		old := r.Rentals
		if news := r.Account(step.job, now); news != step.news {
			t.Errorf("%+v is news: %t", step.job, news)
		}
		if len(old) != before {
			t.Error("another copy of the record was changed")
		}
	}
	if usd, billed := r.CostUSD(); usd != 0.55 || billed || r.Rented() != 2*time.Minute {
		t.Errorf("$%g, billed %t, %s", usd, billed, r.Rented())
	}
	if first := r.Rental(1); first.EndedAt == nil || !first.EndedAt.Equal(now) || r.Rental(2).EndedAt != nil {
		t.Errorf("the first ended at %v, the second at %v", first.EndedAt, r.Rental(2).EndedAt)
	}
	r.Account(job("m-2", JobSucceeded, 0.3, &bill), now.Add(time.Hour))
	ended := job("m-2", JobSucceeded, 0.24, &bill)
	ended.Machine, ended.GPU = "", "" // its agent is forgotten
	r.Account(ended, now.Add(2*time.Hour))
	if second := r.Rental(2); second.Machine != "pod-m-2" || second.GPU != "L4" || !second.EndedAt.Equal(now.Add(time.Hour)) {
		t.Errorf("the second is %+v", second)
	}
	if usd, billed := r.CostUSD(); usd != 0.5 || !billed {
		t.Errorf("$%g, billed %t", usd, billed)
	}
	if !r.Settle(1) || r.Settle(1) || !r.Rental(1).Settled || r.Settle(9) {
		t.Error("it does not settle once")
	}
}
