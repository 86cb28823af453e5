package database

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	understudy "understudy.dev/backend"
)

// teach inserts distinct train and eval prompts of one task.
func teach(t testing.TB, db *DB, endpoint string, train, eval int) []understudy.Pair {
	t.Helper()
	var pairs []understudy.Pair
	for i := range train {
		pairs = append(pairs, pair(endpoint, fmt.Sprint("train ", word(i)), `{"intent":"a"}`))
	}
	for i := range eval {
		pairs = append(pairs, pair(endpoint, fmt.Sprint("eval ", word(i)), `{"intent":"b"}`, onEvalSide))
	}
	insert(t, db, pairs...)
	return pairs
}

// word spells a number: digits are masked in a conversation's hash.
func word(i int) string {
	s := ""
	for {
		s = string(rune('a'+i%26)) + s
		if i /= 26; i == 0 {
			return s
		}
	}
}

func move(t testing.TB, db *DB, m understudy.Model, triggers ...understudy.Trigger) understudy.Model {
	t.Helper()
	for _, tr := range triggers {
		var err error
		if m, err = db.Move(t.Context(), 0, m, tr, nil); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func available(t testing.TB, db *DB, endpoint string) understudy.Model {
	t.Helper()
	m, err := db.CreateModel(t.Context(), 0, understudy.Model{Endpoint: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	return move(t, db, m, understudy.Progress, understudy.Progress, understudy.Progress)
}

func deployed(t testing.TB, db *DB, endpoint string) understudy.Model {
	t.Helper()
	m, ok, err := db.TakeStage(t.Context(), 0, available(t, db, endpoint), 10)
	if err != nil || !ok {
		t.Fatalf("no stage: %v", err)
	}
	if m, err = db.CutOver(t.Context(), 0, m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAModelComesBackAsItWasSaved(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		m := must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}))
		now := time.Now().UTC().Truncate(time.Microsecond)
		saved, err := db.Save(ctx, 0, m, func(m *understudy.Model) {
			m.Phase, m.Version = understudy.Deployed, 99 // not Save's to change
			m.Reason, m.Target, m.Forced, m.ForcedBy, m.AutoTried = "why", understudy.TargetDeployed, true, "ann", true
			m.Hyperparameters = understudy.Hyperparameters{Epochs: 2.5, TargetModules: []string{"q_proj"}}
			m.TrainPairs, m.EvalPairs, m.DatasetSHA256, m.DataFrozenAt = 800, 300, "abc", &now
			m.TaskMode = understudy.FingerprintTools
			m.Fingerprints, m.JSONTasks = []string{"x", "y"}, []string{"x"}
			m.Artifacts = []understudy.Artifact{{Name: understudy.ArtifactAdapter, Size: 1 << 34, SHA256: "s"}}
			m.Training = fullRecord(now)
			m.Verdict, m.VerdictAttempts = understudy.VerdictPassed, 2
			m.Release, m.ReleaseDigest, m.Revision, m.Replicas = "slm-a-v1", "d", 4, 2
			m.SleptAt, m.DrainingSince, m.ServedSince, m.DeployStarted, m.DrainGeneration = &now, &now, &now, &now, 7
		})
		if err != nil {
			t.Fatal(err)
		}
		if saved.Phase != understudy.Training || saved.Version != 1 || saved.Generation != 2 {
			t.Fatalf("got %s, version %d, generation %d", saved.Phase, saved.Version, saved.Generation)
		}
		if diff := cmp.Diff(saved, must(db.Model(ctx, m.ID))); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(saved, must(db.ModelByVersion(ctx, "a", 1))); diff != "" {
			t.Fatal(diff)
		}
		must(db.Save(ctx, 0, saved, func(m *understudy.Model) { m.Training.Loss = math.NaN() }))
		if got := must(db.Model(ctx, m.ID)); got.Training.Steps != 9 {
			t.Fatal("a loss that is no number took the rest of the record along")
		}
	})
}

// fullRecord has a value in every field, so that none is forgotten on the way.
func fullRecord(now time.Time) understudy.TrainingRecord {
	point := func(v float64) []understudy.CurvePoint { return []understudy.CurvePoint{{Step: 1, Value: v}} }
	exact, bill := 0.75, 0.143
	return understudy.TrainingRecord{
		Attempt: 2, Step: 3, Steps: 9, Stage: "training", Loss: 0.5, EvalLoss: 0.6, EvalExact: 0.7, BestStep: 2, ResumedStep: 1, TokensPerSecond: 265.5, ETASeconds: 12,
		Provider: "runpod", GPU: "NVIDIA L4", GPUUse: understudy.GPUUse{MemoryUsedBytes: 3 << 30, MemoryTotalBytes: 24 << 30, Utilization: 87}, StoppedEarly: true,
		StartedAt: &now, EndedAt: &now, LossCurve: point(2.5), EvalLossCurve: point(1.5), EvalExactCurve: point(0.25), Notes: []string{"a pod was lost"},
		Manifest: understudy.Manifest{BaseSHA256: "b", DatasetSHA256: "d", Pairs: 800, Used: 790, Skipped: 10, Validation: 40, SkippedBecause: map[string]int{"too long": 10},
			Hyperparameters: understudy.Hyperparameters{Epochs: 3, BatchSize: 8}, Seed: 1, Seconds: 180.5, Steps: 9, BestStep: 8, Exact: &exact, StopReason: "validation",
			Tokens: 48000, TokensPerSecond: 265.9, Device: "NVIDIA L4"},
		Rentals: []understudy.Rental{
			{Attempt: 1, Provider: "runpod", Machine: "p1", GPU: "NVIDIA L4", Where: "EU-RO-1", Machines: 2, Time: 1283400 * time.Millisecond, Reckoned: 0.14, BilledUSD: &bill, EndedAt: &now, Settled: true},
			{Attempt: 2, Provider: "runpod", Machine: "p2", GPU: "NVIDIA L4", Machines: 1, Time: time.Second, Reckoned: 0.01},
		},
	}
}

func TestTheRecordOfTheTestHasAValueInEveryField(t *testing.T) {
	r := fullRecord(time.Now())
	for _, v := range []reflect.Value{reflect.ValueOf(r), reflect.ValueOf(r.Manifest), reflect.ValueOf(r.GPUUse), reflect.ValueOf(r.Rentals[0])} {
		for i := range v.NumField() {
			// A manifest's curves are the record's.
			if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "Loss" && name != "EvalLoss" && name != "EvalExact" {
				t.Errorf("%s.%s is zero", v.Type(), name)
			}
		}
	}
}

// What releases before this one stored is read: there was one number then.
func TestACostThatWasKeptAsOneNumberIsARental(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		m := must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}))
		old := `{"step":9,"steps":9,"provider":"runpod","gpu":"NVIDIA L4","costUSD":0.25,"startedAt":"2026-11-20T10:00:00Z","endedAt":"2026-11-20T10:30:00Z"}`
		if err := db.tx(ctx, "test", func(tx *gorm.DB) error {
			return tx.Exec("UPDATE models SET training = ? WHERE id = ?", old, m.ID).Error
		}); err != nil {
			t.Fatal(err)
		}
		got := must(db.Model(ctx, m.ID)).Training
		if usd, billed := got.CostUSD(); usd != 0.25 || billed || got.Rented() != 30*time.Minute || len(got.Rentals) != 1 || got.Rentals[0].Attempt != 1 || got.Rentals[0].GPU != "NVIDIA L4" {
			t.Errorf("got %+v", got)
		}
	})
}

func TestMoveFollowsTheTable(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		m := must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}))
		m = move(t, db, m, understudy.Progress, understudy.Failure)
		if m.Phase != understudy.Failed || m.FailedPhase != understudy.Downloading {
			t.Fatalf("got %s, failed in %s", m.Phase, m.FailedPhase)
		}
		m = move(t, db, m, understudy.Retry)
		if m.Phase != understudy.Downloading || m.Attempt != 2 || m.FailedPhase != "" {
			t.Fatalf("after a retry: %s, attempt %d, failed phase %q", m.Phase, m.Attempt, m.FailedPhase)
		}
		_, err := db.Move(ctx, 0, m, understudy.Deploy, nil)
		wantCode(t, err, understudy.Conflict)
		events := must(db.Events(ctx, 0, 0))
		last := events[len(events)-1]
		if last.Kind != "model.phase" || last.ModelID != m.ID || last.Data["from"] != "failed" || last.Data["to"] != "downloading" {
			t.Fatalf("got event %+v", last)
		}
		before := len(events)
		if _, err := db.Move(ctx, 0, understudy.Model{ID: m.ID, Endpoint: "a", Phase: m.Phase, Generation: 1}, understudy.Progress, nil); !errors.Is(err, understudy.ErrStale) {
			t.Fatalf("a move of an old reading gave %v", err)
		}
		if n := len(must(db.Events(ctx, 0, 0))); n != before {
			t.Fatal("a move that lost left an event")
		}
	})
}

func TestAStaleLeaderWritesNothing(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		teach(t, db, "a", 12, 3)
		old := must(db.RaiseEpoch(ctx))
		m := must(db.CreateModel(ctx, old, understudy.Model{Endpoint: "a"}))
		now := must(db.RaiseEpoch(ctx))
		if now <= old || must(db.Epoch(ctx)) != now {
			t.Fatalf("epochs %d, %d", old, now)
		}
		for name, write := range map[string]func() error{
			"Move":        func() error { _, err := db.Move(ctx, old, m, understudy.Progress, nil); return err },
			"Save":        func() error { _, err := db.Save(ctx, old, m, nil); return err },
			"CreateModel": func() error { _, err := db.CreateModel(ctx, old, understudy.Model{Endpoint: "a"}); return err },
			"Freeze": func() error {
				_, err := db.Freeze(ctx, old, m, understudy.DataSize{MaxTrain: 10, MaxEval: 10}, false, understudy.FingerprintFull)
				return err
			},
			"StartEvaluation": func() error { return db.StartEvaluation(ctx, old, m.ID, 1, 1) },
			"PutEvaluation":   func() error { return db.PutEvaluation(ctx, old, understudy.Evaluation{ModelID: m.ID}) },
		} {
			if err := write(); !errors.Is(err, understudy.ErrStale) {
				t.Errorf("%s of a stale leader gave %v", name, err)
			}
		}
		if _, err := db.Move(ctx, now, m, understudy.Progress, nil); err != nil {
			t.Fatalf("the leader's move: %v", err)
		}
	})
}

func TestOfTwoRacingMovesOneWins(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		endpoint(t, db, "a")
		m := must(db.CreateModel(t.Context(), 0, understudy.Model{Endpoint: "a"}))
		errs := race(8, func(i int) error {
			_, err := db.Move(t.Context(), 0, m, understudy.Progress, nil)
			return err
		})
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, understudy.ErrStale):
				t.Errorf("got %v", err)
			}
		}
		if won != 1 {
			t.Fatalf("%d moves won", won)
		}
	})
}

func race(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func TestOneModelOfAnEndpointIsMadeAtATime(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		errs := race(6, func(int) error { _, err := db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}); return err })
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				wantCode(t, err, understudy.Conflict)
			}
		}
		if won != 1 {
			t.Fatalf("%d models were made at once", won)
		}
		m := must(db.Models(ctx, ModelFilter{Endpoint: "a"}))[0]
		move(t, db, m, understudy.Failure, understudy.Retire)
		if m := must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"})); m.Version != 2 || m.Base != understudy.DefaultBase {
			t.Fatalf("got version %d, base %q: a version must not be used again", m.Version, m.Base)
		}
		_, err := db.CreateModel(ctx, 0, understudy.Model{Endpoint: "nobody"})
		wantCode(t, err, understudy.NotFound)
	})
}

func TestTheStageHasALimit(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		var models []understudy.Model
		for i := range 6 {
			endpoint(t, db, "e"+word(i))
			models = append(models, available(t, db, "e"+word(i)))
		}
		var mu sync.Mutex
		var on []understudy.Model
		for _, err := range race(6, func(i int) error {
			m, ok, err := db.TakeStage(ctx, 0, models[i], 3)
			if ok {
				mu.Lock()
				defer mu.Unlock()
				on = append(on, m)
			} else if err == nil && m.Phase != understudy.Available {
				return fmt.Errorf("%s is %s without a place", m.Name(), m.Phase)
			}
			return err
		}) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(on) != 3 {
			t.Fatalf("%d models took 3 places", len(on))
		}
		if on[0].DeployStarted == nil {
			t.Fatal("DeployStarted is not set")
		}
		// A newer version of an endpoint on stage needs no place of its own.
		must(db.CutOver(ctx, 0, on[0]))
		next := available(t, db, on[0].Endpoint)
		if _, ok, err := db.TakeStage(ctx, 0, next, 3); !ok || err != nil {
			t.Fatalf("a new version of an endpoint on stage got no place: %v", err)
		}
	})
}

func TestCutOverReplacesInOneStep(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		old := deployed(t, db, "a")
		before := must(db.RouteGeneration(ctx))
		next := deployed(t, db, "a")
		if next.Phase != understudy.Deployed || next.ServedSince == nil || next.Replicas != 1 {
			t.Fatalf("got %+v", next)
		}
		left := must(db.Model(ctx, old.ID))
		now := must(db.RouteGeneration(ctx))
		if left.Phase != understudy.Available || left.DrainingSince == nil || left.DrainGeneration != now || now <= before {
			t.Fatalf("the old one is %s, drains until generation %d; the route generation went from %d to %d", left.Phase, left.DrainGeneration, before, now)
		}
		if got := must(db.Models(ctx, ModelFilter{Draining: true})); len(got) != 1 || got[0].ID != old.ID {
			t.Fatalf("draining: %+v", got)
		}
		s := must(db.Snapshot(ctx))
		if s.Generation != now || s.Endpoints["a"].Target == nil || s.Endpoints["a"].Target.Version != 2 {
			t.Fatalf("got snapshot %+v", s)
		}
		_, err := db.CutOver(ctx, 0, left)
		wantCode(t, err, understudy.Conflict)
	})
}

func TestTheIndexAllowsOneDeployedModel(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		endpoint(t, db, "a")
		deployed(t, db, "a")
		m, _, err := db.TakeStage(t.Context(), 0, available(t, db, "a"), 10)
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Move(t.Context(), 0, m, understudy.Progress, nil) // not the way: CutOver is
		wantCode(t, err, understudy.Conflict)
	})
}

func TestSleepingChangesTheRoute(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		m := deployed(t, db, "a")
		before := must(db.RouteGeneration(ctx))
		m = must(db.Save(ctx, 0, m, func(m *understudy.Model) { m.Reason = "nothing a replica sees" }))
		if must(db.RouteGeneration(ctx)) != before {
			t.Fatal("the route generation rose for nothing")
		}
		now := time.Now()
		m = must(db.Save(ctx, 0, m, func(m *understudy.Model) { m.Replicas, m.SleptAt = 0, &now }))
		asleep := must(db.Snapshot(ctx))
		if asleep.Generation <= before || !asleep.Endpoints["a"].Target.Asleep {
			t.Fatal("sleep is not seen")
		}
		must(db.Save(ctx, 0, m, func(m *understudy.Model) { m.Replicas = 1 }))
		if s := must(db.Snapshot(ctx)); s.Generation <= asleep.Generation || s.Endpoints["a"].Target.Asleep {
			t.Fatal("waking is not seen")
		}
	})
}
