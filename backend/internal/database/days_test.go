package database

import (
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

func TestDaysAddUpWithEachBatch(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		endpoint(t, db, "a")
		yesterday := time.Date(2026, 11, 1, 23, 59, 59, 0, time.UTC)
		by := func(s understudy.Source, r understudy.Reason, usd float64, at time.Time) understudy.Pair {
			return pair("a", "q", "x", func(p *understudy.Pair) {
				p.Source, p.Reason, p.CostUSD, p.CreatedAt = s, r, usd, at
				if r == understudy.ReasonShadow {
					p.TeacherPair = "t"
				}
			})
		}
		today := yesterday.Add(time.Second)
		batch := []understudy.Pair{
			by(understudy.SourceLLM, understudy.ReasonNormal, 1, yesterday),
			by(understudy.SourceLLM, understudy.ReasonSample, 3, today),
			by(understudy.SourceLLM, understudy.ReasonFallback, 5, today),
			by(understudy.SourceSLM, understudy.ReasonNormal, 7, today),
			by(understudy.SourceSLM, understudy.ReasonShadow, 2, today),
			by(understudy.SourceLLM, understudy.ReasonImport, 99, today),
		}
		batch[3].Counted = false
		insert(t, db, batch...)
		insert(t, db, batch...) // again: nothing is counted twice
		if err := db.AddUsage(t.Context(), "a", today, 2*time.Second, time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := db.AddUsage(t.Context(), "a", today, time.Second, time.Hour); err != nil {
			t.Fatal(err)
		}
		days := must(db.Days(t.Context(), "a", yesterday))
		if len(days) != 2 || days[0].Day != "2026-11-01" || days[0].LLM != 1 || days[0].LLMUSD != 1 {
			t.Fatalf("got %+v", days)
		}
		want := understudy.DayFacts{
			Endpoint: "a", Day: "2026-11-02", LLM: 2, SLM: 1, Sample: 1, Fallbacks: 1, Shadows: 1, Guessed: 1,
			LLMTokensIn: 20, LLMTokensOut: 10, SLMTokensIn: 10, SLMTokensOut: 5,
			LLMUSD: 8, SLMUSD: 7, SampleUSD: 3, ShadowUSD: 2, SampleUSD2: 9, ShadowUSD2: 4,
			SLMTime: 240 * time.Millisecond, CPU: 3 * time.Second, Pods: 2 * time.Hour,
		}
		if days[1] != want {
			t.Errorf("got  %+v\nwant %+v", days[1], want)
		}
		if later := must(db.Days(t.Context(), "", today)); len(later) != 1 {
			t.Errorf("since today: %+v", later)
		}
		// What was answered was answered, whoever deletes it.
		if err := db.DeletePair(t.Context(), batch[3].ID); err != nil {
			t.Fatal(err)
		}
		if again := must(db.Days(t.Context(), "a", today)); again[0] != want {
			t.Errorf("after a deletion: %+v", again)
		}
		if err := db.DeleteEndpoint(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if err := db.PurgeEndpoint(t.Context(), 0, "a"); err != nil {
			t.Fatal(err)
		}
		if left := must(db.Days(t.Context(), "", yesterday)); len(left) != 0 {
			t.Errorf("an endpoint that is gone left %+v", left)
		}
	})
}

func TestSeenReadsARangeOfTime(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		now := time.Now().UTC()
		insert(t, db, pair("a", "1", "x"), pair("b", "2", "x", func(p *understudy.Pair) { p.Source = understudy.SourceSLM }),
			pair("a", "3", "x", func(p *understudy.Pair) { p.ID, p.CreatedAt = firstIDOf(now.Add(-time.Hour)), now.Add(-time.Hour) }))
		all := must(db.Seen(t.Context(), "", now.Add(-time.Minute), 0))
		if len(all) != 2 || all[0].Endpoint != "b" || all[0].Source != understudy.SourceSLM || all[0].Latency != 120*time.Millisecond || !all[0].Complete {
			t.Fatalf("got %+v", all)
		}
		if d := now.Sub(all[0].At).Abs(); d > time.Minute {
			t.Errorf("it was %s", all[0].At)
		}
		if a := must(db.Seen(t.Context(), "a", now.Add(-2*time.Hour), 0)); len(a) != 2 {
			t.Errorf("got %+v", a)
		}
		if one := must(db.Seen(t.Context(), "", now.Add(-time.Minute), 1)); len(one) != 1 || one[0].Endpoint != "b" {
			t.Errorf("the newest first: %+v", one)
		}
	})
}

func TestBothSidesOfASampledRequestAreFound(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		llm := pair("a", "1", "x", func(p *understudy.Pair) { p.Reason = understudy.ReasonSample })
		slm := pair("a", "1", "y", func(p *understudy.Pair) {
			p.Source, p.Reason, p.TeacherPair, p.ModelID = understudy.SourceSLM, understudy.ReasonShadow, llm.ID, "m"
		})
		alone := pair("a", "2", "x")
		insert(t, db, llm, slm, alone)
		if got := must(db.Shadows(t.Context(), []string{llm.ID, alone.ID})); len(got) != 1 || got[llm.ID] != slm.ID {
			t.Errorf("got %v", got)
		}
		if p := must(db.OtherSide(t.Context(), llm)); p.ID != slm.ID {
			t.Errorf("the SLM's is %s", p.ID)
		}
		if p := must(db.OtherSide(t.Context(), slm)); p.ID != llm.ID {
			t.Errorf("the LLM's is %s", p.ID)
		}
		_, err := db.OtherSide(t.Context(), alone)
		wantCode(t, err, understudy.NotFound)
		if of, _, err := db.Pairs(t.Context(), PairFilter{Endpoint: "a", ModelID: "m"}); err != nil || len(of) != 1 || of[0].ID != slm.ID {
			t.Errorf("of the model: %+v, %v", of, err)
		}
	})
}

func TestEventsArePagedBothWays(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		for _, e := range []understudy.Event{{Kind: "x", Endpoint: "a"}, {Kind: "y", Endpoint: "b", ModelID: "m"}, {Kind: "x", Endpoint: "b"}} {
			if err := db.AppendEvent(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		newest := must(db.EventsBefore(t.Context(), understudy.EventFilter{}, 0, 2))
		if len(newest) != 2 || newest[0].Kind != "x" || newest[1].ModelID != "m" {
			t.Fatalf("got %+v", newest)
		}
		if rest := must(db.EventsBefore(t.Context(), understudy.EventFilter{}, newest[1].ID, 2)); len(rest) != 1 || rest[0].Endpoint != "a" {
			t.Errorf("got %+v", rest)
		}
		if of := must(db.EventsBefore(t.Context(), understudy.EventFilter{Endpoint: "b", Kind: "x"}, 0, 9)); len(of) != 1 {
			t.Errorf("got %+v", of)
		}
		if after := must(db.EventsAfter(t.Context(), understudy.EventFilter{ModelID: "m"}, 0, 9)); len(after) != 1 || after[0].Kind != "y" {
			t.Errorf("got %+v", after)
		}
		for _, kind := range understudy.ProgressKinds {
			if err := db.AppendEvent(t.Context(), understudy.Event{Kind: kind, ModelID: "m"}); err != nil {
				t.Fatal(err)
			}
		}
		if told := must(db.EventsBefore(t.Context(), understudy.EventFilter{ModelID: "m", NoProgress: true}, 0, 9)); len(told) != 1 || told[0].Kind != "y" {
			t.Errorf("without progress: got %+v", told)
		}
	})
}
