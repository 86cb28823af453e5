package database

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/database/pgtest"
)

func TestProcessesMayMigrateTogether(t *testing.T) {
	for name, url := range map[string]string{"SQLite": sqliteURL(t), "PostgreSQL": pgtest.URL(t)} {
		t.Run(name, func(t *testing.T) {
			var dbs []*DB
			for range 4 {
				db := must(Open(t.Context(), url))
				defer db.Close()
				dbs = append(dbs, db)
			}
			for _, err := range race(4, func(i int) error { return dbs[i].Migrate(t.Context()) }) {
				if err != nil {
					t.Fatal(err)
				}
			}
			id := must(dbs[0].InstallID(t.Context()))
			if len(id) != 8 || must(dbs[3].InstallID(t.Context())) != id {
				t.Fatalf("got install id %q", id)
			}
		})
	}
}

func TestAnEndpointComesBackAsItWas(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		e := understudy.NewEndpoint("triage", "openai", "gpt-4o-mini", 0.9)
		e.Hyperparameters.LoRARank, e.Provider, e.SLMFirstTokenTimeout = 8, "static", 1500*time.Millisecond
		e.MaxCostUSD, e.TrainingDeadline, e.GPUCandidates = 2.5, 90*time.Minute, []string{"NVIDIA L4", "NVIDIA A40"}
		e = must(db.CreateEndpoint(ctx, e))
		if diff := cmp.Diff(e, must(db.Endpoint(ctx, "triage"))); diff != "" {
			t.Fatal(diff)
		}
		_, err := db.CreateEndpoint(ctx, e)
		wantCode(t, err, understudy.Conflict)
		before := must(db.RouteGeneration(ctx))
		e = must(db.UpdateEndpoint(ctx, "triage", func(e *understudy.Endpoint) error { e.Threshold, e.Bypass = 0.5, true; return nil }))
		if diff := cmp.Diff(e, must(db.Endpoint(ctx, "triage"))); diff != "" || e.Generation != 2 {
			t.Fatal(diff, e.Generation)
		}
		if must(db.RouteGeneration(ctx)) <= before {
			t.Fatal("replicas will not see the change")
		}
		_, err = db.UpdateEndpoint(ctx, "triage", func(e *understudy.Endpoint) error { e.Threshold = 2; return nil })
		wantCode(t, err, understudy.Invalid)
		_, err = db.Endpoint(ctx, "nobody")
		wantCode(t, err, understudy.NotFound)
	})
}

func TestADeletedEndpointLeavesATombstoneUntilItIsPurged(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		endpoint(t, db, "keep")
		teach(t, db, "a", 12, 3)
		insert(t, db, pair("keep", "x", "y"))
		must(db.CreateKey(ctx, understudy.Key{Name: "of a", Hash: "1", DefaultEndpoint: "a"}))
		must(db.CreateKey(ctx, understudy.Key{Name: "of none", Hash: "2"}))
		must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}))
		wantCode(t, db.PurgeEndpoint(ctx, 0, "a"), understudy.Conflict)
		for range 2 {
			if err := db.DeleteEndpoint(ctx, "a"); err != nil {
				t.Fatal(err)
			}
		}
		wantCode(t, db.DeleteEndpoint(ctx, "nobody"), understudy.NotFound)
		if n := len(must(db.Endpoints(ctx))); n != 1 {
			t.Fatalf("%d endpoints", n)
		}
		if d := must(db.DeletedEndpoints(ctx)); len(d) != 1 || d[0].DeletedAt == nil {
			t.Fatalf("got %+v", d)
		}
		if _, there := must(db.Snapshot(ctx)).Endpoints["a"]; there {
			t.Fatal("a deleted endpoint is still routed")
		}
		_, err := db.CreateEndpoint(ctx, understudy.NewEndpoint("a", "u", "m", 0.5))
		wantCode(t, err, understudy.Conflict)
		_, err = db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"})
		wantCode(t, err, understudy.Conflict)
		for range 2 {
			if err := db.PurgeEndpoint(ctx, 0, "a"); err != nil {
				t.Fatal(err)
			}
		}
		// what waited in a spool meanwhile
		if err := db.InsertPairs(ctx, []understudy.Pair{pair("a", "late", "x"), pair("keep", "late too", "x")}); err != nil {
			t.Fatal(err)
		}
		if n := len(must(db.Keys(ctx))); n != 1 {
			t.Errorf("%d keys are left, want the one of no endpoint", n)
		}
		for _, table := range []string{"pairs", "models", "endpoint_counters", "endpoint_days"} {
			if n := must(scalar[int](db.reader(ctx), "count", "SELECT COUNT(*) FROM "+table+" WHERE endpoint = 'a'")); n != 0 {
				t.Errorf("%d rows are left in %s", n, table)
			}
		}
		if c := must(db.Counters(ctx, "keep")); c.Pairs != 2 {
			t.Fatal("another endpoint lost its pairs")
		}
		endpoint(t, db, "a")
	})
}

func TestKeysAndBypassReachTheSnapshot(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		k, secret, err := understudy.NewKey("shop", "triage")
		if err != nil {
			t.Fatal(err)
		}
		k = must(db.CreateKey(ctx, k))
		again := must(db.CreateKey(ctx, understudy.Key{Name: "shop", Hash: k.Hash}))
		if again.ID != k.ID || len(must(db.Keys(ctx))) != 1 {
			t.Fatal("the same key was stored twice")
		}
		before := must(db.Snapshot(ctx))
		if before.Bypass || before.Keys[understudy.HashKey(secret)] != (understudy.KeyRoute{ID: k.ID, DefaultEndpoint: "triage"}) {
			t.Fatalf("got %+v", before)
		}
		if err := db.SetBypass(ctx, true); err != nil {
			t.Fatal(err)
		}
		if err := db.DeleteKey(ctx, k.ID); err != nil {
			t.Fatal(err)
		}
		wantCode(t, db.DeleteKey(ctx, k.ID), understudy.NotFound)
		if s := must(db.Snapshot(ctx)); !s.Bypass || len(s.Keys) != 0 || s.Generation < before.Generation+2 || !must(db.Bypass(ctx)) {
			t.Fatalf("got %+v", s)
		}
	})
}

func TestEventsAppearInTheOrderOfTheirIDs(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		done := make(chan []error)
		go func() {
			done <- race(8, func(i int) error {
				for n := range 20 {
					if err := db.AppendEvent(ctx, understudy.Event{Kind: "test", Message: fmt.Sprint(i, n), Data: map[string]any{"n": n}}); err != nil {
						return err
					}
				}
				return nil
			})
		}()
		// A reader that follows its cursor while they are written misses none.
		var cursor int64
		seen, ended := 0, false
		for {
			events := must(db.Events(ctx, cursor, 7))
			for _, e := range events {
				if e.ID <= cursor {
					t.Fatalf("event %d after %d", e.ID, cursor)
				}
				cursor = e.ID
				seen++
			}
			if ended && len(events) == 0 {
				break
			}
			select {
			case errs := <-done:
				ended = true
				for _, err := range errs {
					if err != nil {
						t.Fatal(err)
					}
				}
			default:
			}
		}
		if seen != 160 || must(db.LastEvent(ctx)) != cursor {
			t.Fatalf("saw %d of 160 events", seen)
		}
		if err := db.PruneEvents(ctx, 10); err != nil {
			t.Fatal(err)
		}
		if n := len(must(db.Events(ctx, 0, 0))); n != 10 {
			t.Fatalf("%d events are left", n)
		}
	})
}

func TestOnlyFreshReplicasLive(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
		for id, age := range map[string]time.Duration{"a": 0, "b": 14 * time.Second, "c": 16 * time.Second} {
			for _, generation := range []int64{1, 7} {
				if err := db.Heartbeat(ctx, id, generation, now.Add(-age)); err != nil {
					t.Fatal(err)
				}
			}
		}
		live := must(db.LiveReplicas(ctx, now))
		if len(live) != 2 || live[0] != (understudy.Replica{ID: "a", RouteGeneration: 7, SeenAt: now}) {
			t.Fatalf("got %+v", live)
		}
	})
}

func TestActivityKeepsWhatIsNotSaidAgain(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
		later := now.Add(time.Second)
		a := understudy.Activity{Endpoint: "a", Replica: "r", LastWantedAt: &now, InFlight: 2, UpdatedAt: now}
		if err := db.UpsertActivity(ctx, []understudy.Activity{a, {Endpoint: "b", Replica: "r", UpdatedAt: now}}); err != nil {
			t.Fatal(err)
		}
		if err := db.UpsertActivity(ctx, []understudy.Activity{{Endpoint: "a", Replica: "r", LastServedAt: &later, UpdatedAt: later}}); err != nil {
			t.Fatal(err)
		}
		want := []understudy.Activity{{Endpoint: "a", Replica: "r", LastWantedAt: &now, LastServedAt: &later, UpdatedAt: later}}
		if diff := cmp.Diff(want, must(db.Activity(ctx, "a"))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestReleaseRecords(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		at := time.Now().UTC().Truncate(time.Microsecond)
		r := understudy.ReleaseRecord{Key: "sh.helm.release.v1.x.v1", Name: "x", Namespace: "n", Version: 1, Status: "deployed", Owner: "helm",
			Labels: map[string]string{"a": "b"}, Body: "…", CreatedAt: at, ModifiedAt: at}
		if err := db.CreateRelease(ctx, r); err != nil {
			t.Fatal(err)
		}
		wantCode(t, db.CreateRelease(ctx, r), understudy.Conflict)
		r.Status = "superseded"
		if err := db.PutRelease(ctx, r); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, must(db.GetRelease(ctx, r.Key))); diff != "" {
			t.Fatal(diff)
		}
		if n := len(must(db.ListReleases(ctx, "n"))) + len(must(db.ListReleases(ctx, ""))) + len(must(db.ListReleases(ctx, "other"))); n != 2 {
			t.Fatalf("listed %d", n)
		}
		if err := db.DeleteRelease(ctx, r.Key); err != nil {
			t.Fatal(err)
		}
		_, err := db.GetRelease(ctx, r.Key)
		wantCode(t, err, understudy.NotFound)
		wantCode(t, db.DeleteRelease(ctx, r.Key), understudy.NotFound)
	})
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for url, code := range map[string]understudy.Code{
		"mysql://x":    understudy.Invalid,
		"sqlite:":      understudy.Invalid,
		"postgres://%": understudy.Invalid,
	} {
		_, err := Open(t.Context(), url)
		if understudy.CodeOf(err) != code {
			t.Errorf("%s: got %v", url, err)
		}
	}
	if _, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "missing", "u.db")); err == nil {
		t.Error("a folder that is not there was no error")
	}
	path := filepath.Join(t.TempDir(), "odd name?#%.db")
	open(t, "sqlite:"+path)
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; want it for its owner alone", i, err)
	}
}

func TestADatabaseThatIsAwayIsUnavailable(t *testing.T) {
	db, err := Open(t.Context(), "postgres://u@127.0.0.1:1/x?connect_timeout=2")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = db.RouteGeneration(t.Context())
	wantCode(t, err, understudy.Unavailable)
	wantCode(t, db.Ping(t.Context()), understudy.Unavailable)
	wantCode(t, db.InsertPairs(t.Context(), []understudy.Pair{pair("a", "x", "y")}), understudy.Unavailable)
}
