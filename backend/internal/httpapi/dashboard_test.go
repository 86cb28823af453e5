package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

// llmPair is an answered request; edit makes it another.
func llmPair(endpoint string, edit ...func(*understudy.Pair)) understudy.Pair {
	p := understudy.Pair{Endpoint: endpoint, Request: []byte(`{"messages":[{"role":"system","content":"Label it."},{"role":"user","content":"Where is it?"}]}`),
		Answer: understudy.Answer{Text: "track"}, Source: understudy.SourceLLM, Reason: understudy.ReasonNormal, Complete: true, Counted: true,
		TokensIn: 10, TokensOut: 5, CostUSD: 0.5, Latency: 300 * time.Millisecond, CreatedAt: time.Now()}
	for _, e := range edit {
		e(&p)
	}
	return p
}

func (b *bench) insert(pairs ...understudy.Pair) []understudy.Pair {
	b.t.Helper()
	if err := b.db.InsertPairs(b.t.Context(), pairs); err != nil {
		b.t.Fatal(err)
	}
	return pairs
}

func bySLM(p *understudy.Pair) {
	p.Source, p.ModelID, p.CostUSD, p.Latency = understudy.SourceSLM, "m", 0.25, 30*time.Millisecond
}

func TestTrafficIsShownOfOneEndpointAndOfAll(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	b.endpoint("b")
	b.insert(llmPair("a"), llmPair("a", bySLM), llmPair("b"))
	for path, want := range map[string][2]int64{"/endpoints/a/traffic?minutes=5": {1, 1}, "/traffic": {2, 1}} {
		var got wire.Traffic
		b.call("GET", path, nil, 200, &got)
		var llm, slm int64
		for _, p := range got.Points {
			llm, slm = llm+p.LLM, slm+p.SLM
			if p.LLM+p.SLM == 0 && p.P50Ms != nil || p.SLM > 0 && *p.SLMP50Ms != 30 {
				t.Errorf("%s: %+v", path, p)
			}
		}
		if llm != want[0] || slm != want[1] || len(got.Points) > maxPoints+1 || got.Truncated || got.BucketSeconds == 0 {
			t.Errorf("%s: %d by the LLM, %d by the SLM in %d points", path, llm, slm, len(got.Points))
		}
	}
	b.call("GET", "/traffic?minutes=0", nil, 422, nil)
	b.call("GET", "/endpoints/none/traffic", nil, 404, nil)
	for minutes := 1; minutes <= 10080; minutes *= 3 {
		var got wire.Traffic
		b.call("GET", fmt.Sprintf("/traffic?minutes=%d", minutes), nil, 200, &got)
		if len(got.Points) > maxPoints+1 || len(got.Points) < 2 {
			t.Errorf("%d minutes are %d points", minutes, len(got.Points))
		}
	}
}

func TestAListCutsLongTextsAndAPairIsWhole(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	long := strings.Repeat("é", 30_000)
	p := b.insert(llmPair("a", func(p *understudy.Pair) {
		p.Answer.Text = long
		p.Request = []byte(`{"messages":[{"role":"system","content":"Label it."},{"role":"user","content":"first"},{"role":"user","content":"` + long + `"}],"temperature":1}`)
	}), llmPair("a"))
	var page wire.Page[wire.Pair]
	raw := b.call("GET", "/endpoints/a/pairs?order=oldest", nil, 200, &page)
	if len(page.Items) != 2 || !page.Items[0].Truncated || page.Items[1].Truncated || len(raw) > 8*maxListed {
		t.Fatalf("%d bytes, %+v", len(raw), page.Items)
	}
	if s := must(json.Marshal(page.Items[0].Request)); !strings.Contains(string(s), "Label it.") || strings.Contains(string(s), "first") {
		t.Errorf("the cut request is %s", s)
	}
	for _, path := range []string{"/pairs/" + p[0].ID, "/endpoints/a/pairs/" + p[0].ID} {
		var one wire.Pair
		b.call("GET", path, nil, 200, &one)
		if one.Truncated || one.Answer.Text != long || !strings.Contains(string(must(json.Marshal(one.Request))), `"temperature":1`) {
			t.Errorf("%s is not whole", path)
		}
	}
}

func TestPairsAreListedFromEitherEnd(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	var want []string
	for range 7 {
		want = append(want, b.insert(llmPair("a"))[0].ID)
	}
	for _, order := range []string{"oldest", "newest"} {
		var got []string
		for cursor := ""; ; {
			var page wire.Page[wire.Pair]
			b.call("GET", "/endpoints/a/pairs?limit=3&order="+order+"&cursor="+cursor, nil, 200, &page)
			for _, p := range page.Items {
				got = append(got, p.ID)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", order, got, want)
		}
		slices.Reverse(want)
	}
}

func TestBothSidesOfASampledRequestLeadToEachOther(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	llm := b.insert(llmPair("a", func(p *understudy.Pair) { p.Reason = understudy.ReasonSample }))[0]
	slm := b.insert(llmPair("a", bySLM, func(p *understudy.Pair) { p.Reason, p.TeacherPair = understudy.ReasonShadow, llm.ID }))[0]
	alone := b.insert(llmPair("a"))[0]
	var page wire.Page[wire.Pair]
	b.call("GET", "/endpoints/a/pairs", nil, 200, &page)
	for _, p := range page.Items {
		if want := map[string]string{llm.ID: slm.ID, slm.ID: llm.ID}[p.ID]; p.ShadowID != want {
			t.Errorf("%s names %q, want %q", p.Reason, p.ShadowID, want)
		}
	}
	for from, to := range map[string]string{llm.ID: slm.ID, slm.ID: llm.ID} {
		var p wire.Pair
		b.call("GET", "/pairs/"+from+"/shadow", nil, 200, &p)
		if p.ID != to || p.ShadowID != from {
			t.Errorf("from %s to %s, which names %s", from, p.ID, p.ShadowID)
		}
	}
	b.call("GET", "/pairs/"+alone.ID+"/shadow", nil, 404, nil)
	var of wire.Page[wire.Pair]
	b.call("GET", "/endpoints/a/pairs?modelId=m", nil, 200, &of)
	if len(of.Items) != 1 || of.Items[0].ID != slm.ID {
		t.Errorf("of the model: %+v", of.Items)
	}
}

// sides is an Asker that answers what it is told to, and remembers.
type sides struct {
	llm, slm understudy.Asked
	asked    chan string
}

func (s sides) Ask(_ context.Context, endpoint string, side understudy.Source, request json.RawMessage) understudy.Asked {
	s.asked <- endpoint + " " + string(request)
	if side == understudy.SourceSLM {
		return s.slm
	}
	return s.llm
}

type scorer float64

func (s scorer) Score(context.Context, []understudy.Comparison) ([]understudy.Likeness, error) {
	return []understudy.Likeness{{Similarity: float64(s)}}, nil
}

func TestAComparisonShowsBothSides(t *testing.T) {
	s := sides{llm: understudy.Asked{Answer: understudy.Answer{Text: "Track it"}, Model: "gpt", CostUSD: 0.5, Latency: time.Second},
		slm: understudy.Asked{Answer: understudy.Answer{Text: "track  it"}, Model: "a-v1", FirstToken: 20 * time.Millisecond}, asked: make(chan string, 2)}
	b := start(t, func(c *Config) { c.Ask, c.Evaluator = s, scorer(0.9) })
	b.endpoint("a")
	b.insert(llmPair("a", func(p *understudy.Pair) {
		p.Request = []byte(`{"messages":[{"role":"system","content":"Label it."},{"role":"user","content":"x"}],"max_completion_tokens":5,"temperature":0}`)
	}))
	var got wire.Comparison
	b.call("POST", "/endpoints/a/compare", wire.CompareInput{Prompt: "Where?", MaxTokens: 9}, 200, &got)
	const want = `a {"max_tokens":9,"messages":[{"content":"Label it.","role":"system"},{"content":"Where?","role":"user"}],"temperature":0}`
	if one, two := <-s.asked, <-s.asked; one != want || two != want {
		t.Errorf("asked %s and %s", one, two)
	}
	if got.LLM.CostUSD != 0.5 || got.SLM.FirstTokenMs != 20 || !*got.Exact || *got.Similarity != 0.9 {
		t.Errorf("got %+v", got)
	}
	b.call("POST", "/endpoints/a/compare", `{"messages":[{"role":"user","content":"x"}]}`, 200, nil)
	if one := <-s.asked; one != `a {"max_completion_tokens":5,"messages":[{"role":"user","content":"x"}],"temperature":0}` {
		t.Errorf("asked %s", one)
	}
	b.call("POST", "/endpoints/a/compare", `{}`, 422, nil)
	b.call("POST", "/endpoints/none/compare", wire.CompareInput{Prompt: "x"}, 404, nil)
}

func TestASideThatCannotAnswerSaysWhy(t *testing.T) {
	s := sides{llm: understudy.Asked{Answer: understudy.Answer{Text: "x"}}, slm: understudy.Asked{Error: "no model is on stage"}, asked: make(chan string, 2)}
	b := start(t, func(c *Config) { c.Ask, c.Evaluator = s, scorer(0.9) })
	b.endpoint("a")
	var got wire.Comparison
	b.call("POST", "/endpoints/a/compare", wire.CompareInput{Prompt: "x"}, 200, &got)
	if got.SLM.Error == "" || got.LLM.Text != "x" || got.Exact != nil || got.Similarity != nil {
		t.Errorf("got %+v", got)
	}
}

func TestEventsComeAsAPageToWhoAsksForJSON(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	b.endpoint("b")
	b.call("PATCH", "/endpoints/b", `{"threshold":0.9}`, 200, nil)
	page := func(query string) (p wire.Page[wire.Event]) {
		t.Helper()
		req := must(http.NewRequestWithContext(t.Context(), "GET", b.url+"/api/v1/events"+query, nil))
		req.Header.Set("Authorization", "Bearer "+adminKey)
		req.Header.Set("Accept", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(&p); err != nil || res.StatusCode != 200 {
			t.Fatalf("%s: %d, %v", query, res.StatusCode, err)
		}
		return p
	}
	first := page("?limit=2")
	if len(first.Items) != 2 || first.Items[0].Kind != "endpoint.updated" || first.Next == "" {
		t.Fatalf("got %+v", first)
	}
	if rest := page("?limit=2&cursor=" + first.Next); len(rest.Items) != 1 || rest.Items[0].Endpoint != "a" || rest.Next != "" {
		t.Errorf("got %+v", rest)
	}
	if after := page("?after=0&endpoint=b"); len(after.Items) != 2 || after.Items[0].Kind != "endpoint.created" {
		t.Errorf("got %+v", after)
	}
	if err := b.db.AppendEvent(t.Context(), understudy.Event{Kind: "training.progress", Endpoint: "b"}); err != nil {
		t.Fatal(err)
	}
	if all, told := page("?endpoint=b"), page("?endpoint=b&progress=false"); len(all.Items) != 3 || len(told.Items) != 2 {
		t.Errorf("got %+v, and without progress %+v", all, told)
	}
}

func TestTheCatalogueIsListed(t *testing.T) {
	b := start(t)
	var page wire.Page[wire.Base]
	b.call("GET", "/bases", nil, 200, &page)
	if len(page.Items) != len(understudy.Catalogue()) || !slices.ContainsFunc(page.Items, func(x wire.Base) bool { return x.Default && x.Name == understudy.DefaultBase }) {
		t.Errorf("got %+v", page.Items)
	}
}

func TestSavingsAreALedger(t *testing.T) {
	b := start(t, func(c *Config) {
		c.Prices = Prices{List: wire.PriceList{Source: "a list", Date: "2026-11"}, Rates: understudy.Rates{CPUHour: 3600, Threads: 1}, Processors: 2}
	})
	b.endpoint("a")
	b.endpoint("quiet")
	b.insert(llmPair("a"), llmPair("a", bySLM), llmPair("a", bySLM))
	now := time.Now()
	if err := b.db.AddUsage(t.Context(), "a", now, 100*time.Millisecond, time.Hour); err != nil {
		t.Fatal(err)
	}
	m := b.model("a")
	began := now.Add(-time.Second)
	if _, err := b.db.Save(t.Context(), 0, m, func(m *understudy.Model) {
		m.Training.Provider, m.Training.StartedAt, m.Training.EndedAt = "local", &began, &now
	}); err != nil {
		t.Fatal(err)
	}
	var got wire.Savings
	b.call("GET", "/savings", nil, 200, &got)
	if got.Prices.Source != "a list" || got.Currency != "USD" || len(got.Endpoints) != 1 || len(got.Endpoints[0].Days) == 0 || fmt.Sprint(got.Unpriced) != "[gpt-4o-mini]" {
		t.Fatalf("got %+v", got)
	}
	a := got.Endpoints[0]
	if a.Requests != 3 || a.SLMRequests != 2 || a.NotSpentUSD != 0.5 || a.SpentUSD != 0.5 || a.CPUSeconds != 0.1 || a.PodHours != 1 || !a.Estimated || len(a.Notes) == 0 {
		t.Errorf("got %+v", a)
	}
	// A second on two processors at a dollar each, against half a dollar.
	if net := a.NotSpentUSD - a.ServingUSD - a.TrainingUSD; a.TrainingUSD < 1.99 || a.NetUSD != net || a.NetUSD > -1 || a.Low >= a.High || got.Totals.NetUSD != a.NetUSD {
		t.Errorf("got %+v", a)
	}
	var s wire.Status
	b.call("GET", "/status", nil, 200, &s)
	if e := s.Endpoints[0]; e.SavedUSD != a.NetUSD || s.SavedUSD != a.NetUSD || *e.SLMShareRecent < 0.66 || *e.SLMP50Ms != 30 || *e.LLMP50Ms != 300 || e.RequestsPerSecond != 0.05 || e.Live == nil || e.Live.ID != m.ID {
		t.Errorf("got %+v", e)
	}
}

func TestWhatTrainingsOnRentedMachinesCostIsInTheModelAndTheLedger(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	m := b.model("a")
	began, ended := time.Now().Add(-time.Hour).UTC(), time.Now().UTC()
	bill, exact := 0.75, 0.95
	m, err := b.db.Save(t.Context(), 0, m, func(m *understudy.Model) {
		m.Training = understudy.TrainingRecord{Attempt: 2, Step: 9, Steps: 9, EvalExact: 0.9, BestStep: 8, ResumedStep: 4, Provider: "runpod", GPU: "NVIDIA L4",
			GPUUse: understudy.GPUUse{MemoryUsedBytes: 1, MemoryTotalBytes: 2, Utilization: 87}, StartedAt: &began, EndedAt: &ended, Notes: []string{"a pod was lost"},
			EvalExactCurve: []understudy.CurvePoint{{Step: 8, Value: 0.95}},
			Manifest: understudy.Manifest{BaseSHA256: "b", Pairs: 800, Used: 790, Validation: 40, Skipped: 10, SkippedBecause: map[string]int{"too long": 10}, Hyperparameters: understudy.Hyperparameters{Epochs: 3},
				Steps: 9, BestStep: 8, Exact: &exact, StopReason: "validation", Tokens: 48000, TokensPerSecond: 265.9, Device: "NVIDIA L4", Seconds: 180.5},
			Rentals: []understudy.Rental{
				{Attempt: 1, Provider: "runpod", Machine: "p1", GPU: "NVIDIA L4", Where: "EU-RO-1", Machines: 1, Time: time.Hour, Reckoned: 0.7, BilledUSD: &bill, EndedAt: &began, Settled: true},
				{Attempt: 2, Provider: "runpod", Machine: "p2", GPU: "NVIDIA L4", Where: "EU-SE-1", Machines: 2, Time: 30 * time.Minute, Reckoned: 0.25, EndedAt: &ended},
			}}
	})
	if err != nil {
		t.Fatal(err)
	}
	var got wire.Model
	b.call("GET", "/models/"+m.ID, nil, 200, &got)
	tr := got.Training
	if tr.CostUSD != 1 || tr.CostBasis != "estimate" || tr.RentedSeconds != 5400 || tr.Where != "EU-SE-1" || len(tr.Rentals) != 2 || tr.Rentals[0].CostBasis != "bill" || tr.Rentals[0].CostUSD != 0.75 || tr.Rentals[0].EstimateUSD != 0.7 {
		t.Errorf("it cost %+v", tr)
	}
	if tr.EvalExact != 0.9 || tr.BestStep != 8 || tr.ResumedStep != 4 || tr.GPUUse.Utilization != 87 || len(tr.EvalExactCurve) != 1 || tr.Notes[0] != "a pod was lost" {
		t.Errorf("it went %+v", tr)
	}
	if made := tr.Manifest; made.StopReason != "validation" || *made.EvalExact != 0.95 || made.BestStep != 8 || made.Device != "NVIDIA L4" || made.Tokens != 48000 || made.TokensPerSecond != 265.9 ||
		made.Pairs != 800 || made.ValidationPairs != 40 || made.SkippedBecause["too long"] != 10 || made.Hyperparameters.Epochs != 3 {
		t.Errorf("its manifest is %+v", made)
	}
	var list wire.Page[wire.Model]
	b.call("GET", "/models", nil, 200, &list)
	if short := list.Items[0].Training; short.CostUSD != 1 || short.EvalExactCurve != nil {
		t.Errorf("in a list it is %+v", short)
	}
	var s wire.Savings
	b.call("GET", "/savings", nil, 200, &s)
	if l := s.Endpoints[0]; l.TrainingUSD != 1 || l.TrainingHours != 1.5 || !l.Estimated || s.Totals.TrainingUSD != 1 || s.Totals.TrainingHours != 1.5 || !strings.Contains(fmt.Sprint(l.Notes), "bill of 1 of 2 trainings") {
		t.Errorf("the ledger has %+v", l)
	}
	whole := 0.3
	if _, err := b.db.Save(t.Context(), 0, m, func(m *understudy.Model) { m.Training.Rentals[1].BilledUSD = &whole }); err != nil {
		t.Fatal(err)
	}
	b.call("GET", "/models/"+m.ID, nil, 200, &got)
	b.call("GET", "/savings", nil, 200, &s)
	if l := s.Endpoints[0]; got.Training.CostUSD != 1.05 || got.Training.CostBasis != "bill" || l.TrainingUSD != 1.05 || l.Estimated {
		t.Errorf("billed: %+v, the ledger has %+v", got.Training, l)
	}
}

func TestAnEvaluationHasAHistogramAndIsReadFromEitherEnd(t *testing.T) {
	b := start(t)
	m := b.examined()
	prompts, _, _, err := b.db.EvalPrompts(t.Context(), m.ID, 1, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var answers []understudy.EvalAnswer
	for i, p := range prompts {
		same, alike := i%2 == 0, float64(i)/float64(len(prompts))
		answers = append(answers, understudy.EvalAnswer{PairID: p.PairID, Variant: p.Variant, Exact: &same, Similarity: &alike})
	}
	if err := b.db.PutAnswers(t.Context(), m.ID, 1, answers); err != nil {
		t.Fatal(err)
	}
	if err := b.db.PutScores(t.Context(), m.ID, 1, answers); err != nil {
		t.Fatal(err)
	}
	var list wire.Page[wire.Evaluation]
	b.call("GET", "/models/"+m.ID+"/evaluations", nil, 200, &list)
	sum := 0
	for _, bin := range list.Items[0].Histogram {
		sum += bin.Count
	}
	if len(list.Items[0].Histogram) != understudy.SimilarityBins || sum == 0 {
		t.Errorf("got %+v", list.Items[0].Histogram)
	}
	var worst, best wire.Page[wire.EvalAnswer]
	path := "/models/" + m.ID + "/evaluations/1/answers"
	b.call("GET", path, nil, 200, &worst)
	b.call("GET", path+"?order=best", nil, 200, &best)
	n := len(worst.Items)
	if n < 2 || worst.Items[0].PairID != best.Items[n-1].PairID || worst.Items[n-1].PairID != best.Items[0].PairID {
		t.Errorf("worst %+v, best %+v", worst.Items, best.Items)
	}
}

// reads is what a page's requests cost the database.
type reads struct {
	sync.Mutex
	statements int
	rows       int64
}

func (r *reads) trace(_ string, rows int64) {
	r.Lock()
	defer r.Unlock()
	r.statements++
	r.rows += max(0, rows)
}

// bounded asks for a list that a person waits for and holds it to what may be
// read for it, however much there is.
func (b *bench) bounded(path string, statements int, rows int64, size int) {
	b.t.Helper()
	r := &b.reads
	r.Lock()
	r.statements, r.rows = 0, 0
	r.Unlock()
	body := b.call("GET", path, nil, 200, nil)
	r.Lock()
	defer r.Unlock()
	b.t.Logf("GET %s: %d statements, %d rows, %d bytes", path, r.statements, r.rows, len(body))
	if r.statements == 0 || r.statements > statements || r.rows > rows || len(body) > size {
		b.t.Errorf("GET %s: at most %d statements, %d rows and %d bytes are wanted", path, statements, rows, size)
	}
}

func TestThreeHundredModelsAreListedCheaply(t *testing.T) {
	b := start(t)
	curve := make([]understudy.CurvePoint, 400)
	for e := range 30 {
		name := fmt.Sprintf("e%d", e)
		b.endpoint(name)
		for range 10 {
			m := b.model(name, append(slices.Clone(toAvailable), understudy.Evaluate)...)
			m, err := b.db.Save(t.Context(), 0, m, func(m *understudy.Model) { m.Training.LossCurve = curve })
			if err == nil {
				_, err = b.db.Move(t.Context(), 0, m, understudy.Failure, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	b.bounded("/models?limit=500", 2, 330, 1<<18)
	b.bounded("/status", 10, 700, 1<<16)
}

func TestTenThousandPairsArePagedCheaply(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	pairs := make([]understudy.Pair, 10_000)
	for i := range pairs {
		pairs[i] = llmPair("a", func(p *understudy.Pair) { p.Answer.Text = fmt.Sprintf("answer %d %s", i, strings.Repeat("x", 500)) })
	}
	b.insert(pairs...)
	for _, path := range []string{
		"/endpoints/a/pairs", "/endpoints/a/pairs?cursor=" + pairs[5_000].ID,
		"/endpoints/a/pairs?search=ANSWER+777+x", "/endpoints/a/pairs?search=nowhere", "/endpoints/a/traffic",
	} {
		b.bounded(path, 4, 110, 1<<17)
	}
}

// observer is a world that is looked at.
type observer struct{ looks *atomic.Int64 }

func (o observer) World(context.Context) (understudy.World, error) {
	o.looks.Add(1)
	return understudy.World{Pods: []understudy.PodSeen{{Name: "backend", Ready: true}}, Jobs: []understudy.JobSeen{{Name: "slm-a-v1-e1", Kind: "evaluation"}}}, nil
}

func TestTheWorldShowsTrainingsBesideItsJobsAndIsLookedAtOnce(t *testing.T) {
	var looks, passed atomic.Int64
	began := time.Now()
	b := start(t, func(c *Config) {
		c.Observer, c.Now = observer{&looks}, func() time.Time { return began.Add(time.Duration(passed.Load())) }
	})
	b.endpoint("a")
	m := b.model("a")
	if _, err := b.db.Save(t.Context(), 0, m, func(m *understudy.Model) { m.Training.Stage, m.Training.Step, m.Training.Steps = "training", 3, 9 }); err != nil {
		t.Fatal(err)
	}
	var w wire.World
	for range 3 {
		b.call("GET", "/world", nil, 200, &w)
	}
	if looks.Load() != 1 || len(w.Pods) != 1 || w.Services == nil || len(w.Jobs) != 2 {
		t.Fatalf("%d looks, %+v", looks.Load(), w)
	}
	passed.Store(int64(worldFor))
	if b.call("GET", "/world", nil, 200, &w); looks.Load() != 2 {
		t.Errorf("%d looks when the first is old", looks.Load())
	}
	if j := w.Jobs[0]; j.Name != "a-v1" || j.Kind != "training" || j.Done != 3 || j.Total != 9 || j.State != "training" {
		t.Errorf("got %+v", j)
	}
}
