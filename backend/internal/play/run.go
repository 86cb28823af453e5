package play

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/client"
	"understudy.dev/backend/internal/wire"
)

// ErrRefused means that the gate refused the model: the play ended well, but
// the LLM goes on answering.
var ErrRefused = errors.New("the gate refused the model")

// Scorer compares answers as an evaluation does.
type Scorer interface {
	Score(ctx context.Context, pairs []understudy.Comparison) ([]understudy.Likeness, error)
}

// Options of a play.
type Options struct {
	API      *client.Client
	Gateway  string // base URL of /v1
	Key      string // client key
	Plan     Plan
	Endpoint wire.EndpointInput
	Teacher  string // replay or live
	Parallel int    // requests at a time in the first act
	Scorer   Scorer
	Display  *Display
	Provider string // who trains
	// Simulation is the base URL of the simulated RunPod, "" where there is none.
	Simulation string
}

type play struct {
	Options
	app    Application
	report Report
	told   []string // ids of the pairs that the application was told of
	start  time.Time
}

// Run plays all acts and returns the report, which is filled as far as the
// play came, also with an error: ErrRefused, or what went wrong.
func Run(ctx context.Context, o Options) (Report, error) {
	p := &play{Options: o, start: time.Now()}
	p.report = Report{Teacher: o.Teacher, Seconds: map[string]float64{}}
	p.app = Application{BaseURL: o.Gateway, Key: o.Key, Model: o.Endpoint.Name, Client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 128}, Timeout: 2 * time.Minute}}
	err := p.run(ctx)
	p.report.Seconds[total] = seconds(p.start)
	if err != nil && !errors.Is(err, ErrRefused) {
		p.report.Error = err.Error()
	}
	return p.report, err
}

func (p *play) run(ctx context.Context) error {
	if _, err := p.API.CreateEndpoint(ctx, p.Endpoint); err != nil {
		return fmt.Errorf("create the endpoint: %w", err)
	}
	if err := p.act(1, actCapture, "The LLM answers; every pair is kept", func() error { return p.capture(ctx) }); err != nil {
		return err
	}
	model, err := p.API.Train(ctx, p.Endpoint.Name)
	if err != nil {
		return fmt.Errorf("start the training: %w", err)
	}
	if err := p.act(2, actTraining, "A small model learns from them", func() error { return p.training(ctx, model.ID) }); err != nil {
		return err
	}
	if err := p.act(3, actEvaluation, "The exam, on requests it never saw", func() error { return p.evaluation(ctx, model.ID) }); err != nil {
		return err
	}
	refused := p.report.Verdict != string(understudy.VerdictPassed)
	if !refused {
		if err := p.act(4, actDeployment, "The understudy goes on stage", func() error { return p.deployment(ctx, model.ID) }); err != nil {
			return err
		}
	}
	if err := p.act(5, actServing, "New requests of the same application", func() error { return p.serving(ctx, refused) }); err != nil {
		return err
	}
	if err := p.count(ctx, model.ID); err != nil {
		return err
	}
	if refused {
		return ErrRefused
	}
	return nil
}

func (p *play) act(n int, name, title string, f func() error) error {
	p.Display.Act(n, title)
	started := time.Now()
	err := f()
	p.report.Seconds[name] = seconds(started)
	return err
}

// capture plays the first act.
func (p *play) capture(ctx context.Context) error {
	list := p.Plan.Capture
	done, failed := 0, 0
	var first error
	p.app.AskAll(ctx, list, p.Parallel, func(_ int, r Reply) {
		done++
		if r.Err != nil {
			failed++
			first = errors.Join(first, r.Err)
		}
		p.told = append(p.told, r.Pair)
		p.Display.Progress(done, len(list), "requests answered by the LLM")
	})
	p.report.Requests += done
	p.report.Failed += failed
	if err := ctx.Err(); err != nil {
		return err
	}
	if failed > 0 {
		text, _, _ := strings.Cut(first.Error(), "\n")
		return fmt.Errorf("%d of %d requests failed; the first: %s", failed, done, text)
	}
	var c wire.Counters
	ctx, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	err := await(ctx, 100*time.Millisecond, func() (bool, error) {
		e, err := p.API.Endpoint(ctx, p.Endpoint.Name)
		c = e.Counters
		return c.Pairs >= int64(done), err
	})
	if err != nil {
		return fmt.Errorf("wait until all pairs are stored: %w", err)
	}
	p.Display.Done("%d requests, %d pairs stored: %d to learn from, %d kept for the exam", done, c.Pairs, c.Train, c.Eval)
	return nil
}

// training plays the second act: phases Training and Downloading.
func (p *play) training(ctx context.Context, id string) error {
	m, err := p.follow(ctx, id, func(m wire.Model) bool {
		t := m.Training
		switch {
		case m.Phase == string(understudy.Downloading):
			p.Display.Progress(0, 0, "Downloading: pulling and verifying the weights")
		case t.Steps > 0 && t.Step > 0:
			p.Display.Progress(t.Step, t.Steps, "loss %.3f, %.0f tokens/s, %s left", t.Loss, t.TokensPerSecond, left(t.ETASeconds))
		case t.Stage == "" && p.Provider == providerRunPod:
			p.Display.Progress(0, 0, "%s", orElse(m.Reason, "renting a GPU"+p.simulated()+", waiting for its agent"))
		default:
			p.Display.Progress(0, 0, "%s", orElse(t.Stage, "getting ready"))
		}
		return m.Phase != string(understudy.Training) && m.Phase != string(understudy.Downloading)
	})
	if err != nil {
		return err
	}
	p.Display.Done("%s: %d steps on %d pairs, loss %.3f", m.Name, m.Training.Step, m.TrainPairs, m.Training.Loss)
	p.report.TrainPairs, p.report.EvalPairs = m.TrainPairs, m.EvalPairs
	return p.trained(ctx, m)
}

// evaluation plays the third act.
func (p *play) evaluation(ctx context.Context, id string) error {
	var e wire.Evaluation
	m, err := p.follow(ctx, id, func(m wire.Model) bool {
		if list, err := p.API.Evaluations(ctx, id); err == nil && len(list) > 0 {
			e = list[0]
			if e.Total > 0 && e.Verdict == "" {
				p.Display.Progress(e.Answered, e.Total, "exam questions answered")
			}
		}
		return m.Phase != string(understudy.LLMEvaluation)
	})
	if err != nil {
		return err
	}
	list, err := p.API.Evaluations(ctx, id)
	if err != nil {
		return err
	}
	if len(list) == 0 || list[0].Verdict == "" {
		return fmt.Errorf("%s is %s without a verdict", m.Name, m.PhaseName)
	}
	e = list[0]
	r := &p.report
	r.Metric, r.TunedScore, r.BaseScore, r.BaseN = e.Metric, e.Score, e.BaseScore, e.BaseN
	r.LookupScore, r.ShuffleScore, r.NearPairs, r.FarPairs, r.FarScore = e.LookupScore, e.ShuffledScore, e.NearN, e.FarN, e.FarScore
	r.Identical, r.Close, r.Different = e.Identical, e.Close, e.Different
	r.LowerBound, r.Threshold, r.Verdict, r.Reason = e.LowerBound, e.Threshold, e.Verdict, e.Reason
	p.Display.Done("%s", e.Words)
	p.Display.Say("     %s %s, lower bound %s against the threshold %s; the untrained base has %s: %s",
		e.Metric, percent(e.Score), percent(e.LowerBound), percent(e.Threshold), percent(e.BaseScore), e.Verdict)
	return nil
}

// deployment plays the fourth act.
func (p *play) deployment(ctx context.Context, id string) error {
	var available time.Time // since when, before it went
	m, err := p.follow(ctx, id, func(m wire.Model) bool {
		p.Display.Progress(0, 0, "%s %s", m.PhaseName, m.Reason)
		if available.IsZero() || m.Phase != string(understudy.Available) {
			available = m.PhaseSince
		}
		// A deployment that failed leads back to available, and a person decides.
		return m.Phase == string(understudy.Deployed) || !m.PhaseSince.Equal(available)
	})
	if err != nil {
		return err
	}
	if m.Phase != string(understudy.Deployed) {
		return fmt.Errorf("%s was not put on stage: %s", m.Name, m.Reason)
	}
	p.Display.Done("%s is %s: Helm release %s, revision %d", m.Name, m.PhaseName, m.Release, m.Revision)
	return nil
}

// follow looks at a model until seen is true; it fails when the model does.
func (p *play) follow(ctx context.Context, id string, seen func(wire.Model) bool) (wire.Model, error) {
	var m wire.Model
	err := await(ctx, 300*time.Millisecond, func() (bool, error) {
		next, err := p.API.Model(ctx, id)
		if understudy.CodeOf(err) == understudy.Unavailable {
			return false, nil // the backend is being restarted
		}
		if err != nil {
			return false, err
		}
		m = next
		if m.Phase == string(understudy.Failed) {
			return false, fmt.Errorf("%s failed: %s", m.Name, m.Reason)
		}
		return seen(m), nil
	})
	p.report.Phase, p.report.Release, p.report.Revision = m.PhaseName, m.Release, m.Revision
	return m, err
}

// servingParallel is small: the SLM shares this machine's cores with the rest.
const servingParallel = 3

// serving plays the last act. A refused model is not on stage: a few requests
// show that the LLM goes on answering.
func (p *play) serving(ctx context.Context, refused bool) error {
	list := p.Plan.Last
	if refused {
		list = list[:min(20, len(list))]
	}
	replies := make([]Reply, len(list))
	by := map[string]int{}
	done := 0
	var first error
	p.app.AskAll(ctx, list, servingParallel, func(i int, r Reply) {
		done++
		replies[i] = r
		p.told = append(p.told, r.Pair)
		if r.Err != nil {
			p.report.Failed++
			first = errors.Join(first, r.Err)
		}
		by[r.Source+" "+r.Reason]++
		p.Display.Progress(done, len(list), "%d by the SLM, %d by the LLM", by["slm normal"], done-by["slm normal"])
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &p.report
	r.Requests += done
	r.LastAct = done
	slm, fallback, sample := by["slm normal"], by["llm fallback"], by["llm sample"]
	r.Eligible = slm + fallback + sample
	if slm+fallback > 0 {
		r.SLMShare = float64(slm) / float64(slm+fallback)
	}
	if first != nil {
		text, _, _ := strings.Cut(first.Error(), "\n")
		return fmt.Errorf("%d of %d requests failed; the first: %s", r.Failed, done, text)
	}
	p.Display.Done("%d requests: %d by the SLM, %d sampled for the teacher, %d fell back, %d for the LLM alone", done, slm, sample, fallback, done-r.Eligible)
	switch {
	case refused:
		return nil
	case slm == 0 && fallback == 0:
		return fmt.Errorf("the model is on stage, but none of the last %d requests was of a task that it has learnt", done)
	case slm == 0:
		return fmt.Errorf("the model is on stage, but answered none of %d requests: %d fell back to the LLM, most likely because this machine is too slow for the model", done, fallback)
	}
	return p.agreement(ctx, list, replies)
}

// agreement asks the teacher what the SLM was asked, past the capture, and
// compares the answers.
func (p *play) agreement(ctx context.Context, list []Conversation, replies []Reply) error {
	var asked []Conversation
	var actual []string
	for i, r := range replies {
		if r.Source == string(understudy.SourceSLM) {
			asked, actual = append(asked, list[i]), append(actual, r.Text)
		}
	}
	expected := make([]string, len(asked))
	teacher := p.app
	teacher.Header = http.Header{"X-Understudy-Route": {"llm"}, "X-Understudy-Capture": {"off"}}
	var first error
	teacher.AskAll(ctx, asked, p.Parallel, func(i int, r Reply) {
		expected[i] = r.Text
		if first == nil {
			first = r.Err
		}
	})
	if first != nil {
		return fmt.Errorf("ask the teacher for its answers: %w", first)
	}
	pairs := make([]understudy.Comparison, len(asked))
	for i := range asked {
		pairs[i] = understudy.Comparison{ID: strconv.Itoa(i), Expected: expected[i], Actual: actual[i]}
	}
	scores, err := p.Scorer.Score(ctx, pairs)
	if err != nil {
		return fmt.Errorf("compare the answers: %w", err)
	}
	sum := 0.0
	for _, s := range scores {
		switch {
		case p.report.Metric != string(understudy.MetricExact):
			sum += s.Similarity
		case s.Exact:
			sum++
		}
	}
	mean := sum / float64(len(asked))
	p.report.Agreement = &mean
	return nil
}

// count finds out which of the pairs that the application was told of are
// stored, and what they cost.
func (p *play) count(ctx context.Context, modelID string) error {
	want := map[string]bool{}
	for _, id := range p.told {
		want[id] = true
	}
	deadline, cancel := context.WithTimeout(ctx, storeDeadline)
	defer cancel()
	err := await(deadline, 200*time.Millisecond, func() (bool, error) {
		p.report.Captured = 0
		filter := url.Values{"limit": {"500"}}
		for {
			page, err := p.API.Pairs(ctx, p.Endpoint.Name, filter)
			if err != nil {
				return false, err
			}
			for _, pair := range page.Items {
				if want[pair.ID] {
					p.report.Captured++
				}
			}
			if page.Next == "" {
				return p.report.Captured >= int64(len(p.told)), nil
			}
			filter.Set("cursor", page.Next)
		}
	})
	if err != nil {
		return fmt.Errorf("look for the stored pairs (%d of %d are there): %w", p.report.Captured, len(p.told), err)
	}
	e, err := p.API.Endpoint(ctx, p.Endpoint.Name)
	if err != nil {
		return err
	}
	p.report.CostUSD, p.report.SavedUSD = e.Counters.CostUSD, e.Counters.SavedUSD
	s, err := p.API.Savings(ctx, p.Endpoint.Name, 2) // a play may go past midnight
	if err != nil {
		return err
	}
	for _, l := range s.Endpoints {
		p.report.Ledger = &Ledger{NotSpentUSD: l.NotSpentUSD, ServingUSD: l.ServingUSD, TrainingUSD: l.TrainingUSD, SampleUSD: l.SampleUSD,
			NetUSD: l.NetUSD, LowUSD: l.Low, HighUSD: l.High, CPUSeconds: l.CPUSeconds, BreakEven: l.BreakEvenRequests}
	}
	m, err := p.API.Model(ctx, modelID)
	if err != nil {
		return err
	}
	p.report.Phase, p.report.Release, p.report.Revision = m.PhaseName, m.Release, m.Revision
	return nil
}

// storeDeadline is how long a captured pair may take into the database; it is
// there within a second unless something is broken.
const storeDeadline = time.Minute

// await asks again every interval until ready, an error, or ctx's end.
func await(ctx context.Context, interval time.Duration, ready func() (bool, error)) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		ok, err := ready()
		if ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func left(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Second).String()
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
