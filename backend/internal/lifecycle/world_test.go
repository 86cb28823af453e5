package lifecycle

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/database"
	"understudy.dev/backend/internal/evaluatorclient"
	"understudy.dev/backend/internal/trainerclient"
)

// world is a real SQLite database, and around it a trainer and an evaluator
// that speak HTTP, a stage without Helm, and a clock that stands still until a
// look asks to wait.
type world struct {
	t         *testing.T
	ctx       context.Context
	db        *database.DB
	clock     *clock
	trainer   *fakeTrainer
	evaluator *fakeEvaluator
	stage     *fakeStage
	crash     *crasher
	config    Config
	announced int
	lead      *lead
	pairs     int
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), clock: &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}, crash: &crasher{}}
	db, err := database.Open(w.ctx, "sqlite:"+filepath.Join(t.TempDir(), "understudy.db"), database.WithClock(w.clock.Now))
	w.must(err)
	t.Cleanup(func() { db.Close() })
	w.must(db.Migrate(w.ctx))
	w.db = db
	w.trainer, w.evaluator, w.stage = newFakeTrainer(), &fakeEvaluator{}, newFakeStage(db)
	trainer, evaluator := httptest.NewServer(w.trainer), httptest.NewServer(w.evaluator)
	t.Cleanup(trainer.Close)
	t.Cleanup(evaluator.Close)
	t.Cleanup(w.stage.pod.Close)
	w.config = Config{
		DB:       crashingStore{w.db, w.crash},
		Releases: crashingReleases{w.stage, w.crash}, Runtime: w.stage,
		Trainer: crashingTrainer{trainerclient.New(trainer.URL, "secret"), w.crash}, Evaluator: evaluatorclient.New(evaluator.URL, "secret", 100),
		Announce:     func(context.Context) { w.announced++ },
		ServiceToken: "secret", BackendURL: "http://backend", Now: w.clock.Now, BatchSize: 40,
	}.Defaults()
	w.takeOver()
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// takeOver begins a new leadership, as after a crash of the one before.
func (w *world) takeOver() {
	w.t.Helper()
	epoch, err := w.db.RaiseEpoch(w.ctx)
	w.must(err)
	w.lead = newLead(w.config, epoch)
}

// endpoint creates an endpoint that learns from few pairs, with pairs that
// teach: answers follow from the requests.
func (w *world) endpoint(name string, change func(*understudy.Endpoint)) understudy.Endpoint {
	w.t.Helper()
	e := understudy.NewEndpoint(name, "openai", "gpt-4o-mini", 0.85)
	e.MinTrainPairs, e.MinEvalPairs = 40, 30
	if change != nil {
		change(&e)
	}
	e, err := w.db.CreateEndpoint(w.ctx, e)
	w.must(err)
	return e
}

// teach stores n pairs of which one in three is for evaluation; edit makes
// them others.
func (w *world) teach(endpoint string, n int, edit ...func(i int, p *understudy.Pair)) []understudy.Pair {
	w.t.Helper()
	var pairs []understudy.Pair
	for range n {
		w.pairs++
		i := w.pairs
		text := fmt.Sprintf("message %s about %s", words(i), []string{"a refund", "a parcel", "an invoice"}[i%3])
		p := understudy.Pair{
			ID: fmt.Sprintf("%s%012x", firstID(w.clock.Now())[:24], i), Endpoint: endpoint, User: fmt.Sprintf("user-%d", i),
			Request: json.RawMessage(fmt.Sprintf(`{"messages":[{"role":"system","content":"Label it."},{"role":"user","content":%q}]}`, text)),
			Answer:  understudy.Answer{Text: fmt.Sprintf(`{"topic":%q}`, []string{"refund", "parcel", "invoice"}[i%3])},
			Source:  understudy.SourceLLM, Reason: understudy.ReasonNormal, Complete: true, Split: understudy.SplitTrain,
			Conversation: fmt.Sprintf("c%d", i), Prompt: fmt.Sprintf("p%d", i), Fingerprint: "task", CreatedAt: w.clock.Now(),
		}
		if i%9 < 3 {
			p.Split = understudy.SplitEval
		}
		for _, f := range edit {
			f(i, &p)
		}
		pairs = append(pairs, p)
	}
	w.must(w.db.InsertPairs(w.ctx, pairs))
	return pairs
}

// words spells a number, so that texts differ in words and not only in digits.
func words(i int) string {
	names := []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
	out := ""
	for ; i > 0; i /= 10 {
		out = names[i%10] + out + " "
	}
	return out
}

func (w *world) train(endpoint string) understudy.Model {
	w.t.Helper()
	m, err := w.db.CreateModel(w.ctx, 0, understudy.Model{Endpoint: endpoint})
	w.must(err)
	return m
}

func (w *world) model(id string) understudy.Model {
	w.t.Helper()
	m, err := w.db.Model(w.ctx, id)
	w.must(err)
	return m
}

// ask does what the management API does for a person.
func (w *world) ask(id string, t understudy.Trigger) {
	w.t.Helper()
	var err error
	if t == understudy.Deploy {
		_, err = w.db.Save(w.ctx, 0, w.model(id), understudy.Ask(t, "pat"))
	} else {
		_, err = w.db.Move(w.ctx, 0, w.model(id), t, understudy.Ask(t, "pat"))
	}
	w.must(err)
}

// look looks at a key once and lets the time pass that it asks for, at most a
// minute. Replicas go on beating meanwhile.
func (w *world) look(key string) error {
	var wait time.Duration
	var err error
	if name, ok := cutPrefix(key, endpointKey); ok {
		wait, err = w.lead.endpoint(w.ctx, name)
	} else {
		wait, err = w.lead.model(w.ctx, key)
	}
	w.clock.pass(min(max(wait, 0), time.Minute))
	return err
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return s, false
}

// enough is more looks than any story here needs.
const enough = 400

// until looks at a model until it is in a phase.
func (w *world) until(id string, phase understudy.Phase) understudy.Model {
	w.t.Helper()
	return w.untilTrue(id, "it is "+phase.String(), func(m understudy.Model) bool { return m.Phase == phase })
}

func (w *world) untilTrue(id, what string, done func(understudy.Model) bool) understudy.Model {
	w.t.Helper()
	var last error
	for range enough {
		if m := w.model(id); done(m) {
			return m
		}
		last = w.look(id)
	}
	m := w.model(id)
	w.t.Fatalf("looked %d times, and not yet: %s. It is %s, reason %q, last error %v", enough, what, m.Phase, m.Reason, last)
	return m
}

// settle looks so often that nothing more happens.
func (w *world) settle(id string) understudy.Model {
	w.t.Helper()
	before := w.model(id)
	for quiet := 0; quiet < 5; {
		w.must(w.look(id))
		m := w.model(id)
		if quiet++; m.Generation != before.Generation {
			quiet = 0
		}
		before = m
	}
	return before
}

// beat lets a replica acknowledge a route generation, now.
func (w *world) beat(replica string, generation int64) {
	w.t.Helper()
	w.must(w.db.Heartbeat(w.ctx, replica, generation, w.clock.Now()))
}

func (w *world) generation() int64 {
	w.t.Helper()
	g, err := w.db.RouteGeneration(w.ctx)
	w.must(err)
	return g
}

var _ http.Handler = (*fakeTrainer)(nil)
