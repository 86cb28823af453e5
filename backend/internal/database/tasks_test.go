package database

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	understudy "understudy.dev/backend"
)

// ofUser is a conversation with a user whose name stands in the system prompt,
// in its given turn, fingerprinted as the gateway does in mode.
func ofUser(i, turn int, mode understudy.FingerprintMode, edit ...func(*understudy.Pair)) understudy.Pair {
	request := fmt.Sprintf(`{"messages":[{"role":"system","content":"You help %s."},{"role":"user","content":"Message %s"}%s]}`, word(i), word(i),
		strings.Repeat(`,{"role":"assistant","content":"Yes?"},{"role":"user","content":"And then?"}`, turn))
	return pair("a", "", "x", append([]func(*understudy.Pair){func(p *understudy.Pair) {
		var c understudy.Chat
		if err := jsonInto(request, &c); err != nil {
			panic(err)
		}
		p.Request = json.RawMessage(request)
		p.Conversation, p.Prompt, p.Fingerprint = c.ConversationHash(), c.PromptHash(), c.TaskFingerprint(mode, "")
	}}, edit...)...)
}

func TestTasksAreThoseOfTheNewestConversations(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		endpoint(t, db, "a")
		for i := range 60 {
			insert(t, db, ofUser(i, 0, understudy.FingerprintFull), ofUser(i, 1, understudy.FingerprintFull))
		}
		insert(t, db,
			ofUser(100, 0, understudy.FingerprintTools, onEvalSide),
			ofUser(101, 0, understudy.FingerprintFull, func(p *understudy.Pair) { p.Reason = understudy.ReasonFallback }),
			ofUser(102, 0, understudy.FingerprintFull, func(p *understudy.Pair) { p.Fingerprint = "a name of the client's own" }),
		)
		full, tools, err := db.Tasks(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		distinct := func(s []string) int {
			s = slices.Clone(s)
			slices.Sort(s)
			return len(slices.Compact(s))
		}
		if len(full) != 61 || distinct(full) != 61 || len(tools) != 61 || distinct(tools) != 1 {
			t.Errorf("%d tasks, %d of them distinct; %d by tools, %d distinct", len(full), distinct(full), len(tools), distinct(tools))
		}
	})
}

func TestThatPromptsVaryIsNotedOnceAndNotAgainstAPersonsChoice(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		was := endpoint(t, db, "a")
		before := must(db.RouteGeneration(ctx))
		if err := db.NotePromptVaries(ctx, 0, "a", "They vary."); err != nil {
			t.Fatal(err)
		}
		e := must(db.Endpoint(ctx, "a"))
		if !e.PromptVaries || e.TaskMode() != understudy.FingerprintTools || e.Generation != was.Generation+1 {
			t.Errorf("got %+v", e)
		}
		if must(db.RouteGeneration(ctx)) == before {
			t.Error("the gateway is not told")
		}
		if r := must(db.Snapshot(ctx)).Endpoints["a"]; r.Endpoint.TaskMode() != understudy.FingerprintTools {
			t.Errorf("the gateway has %+v", r.Endpoint)
		}
		events := must(db.Events(ctx, 0, 100))
		if last := events[len(events)-1]; last.Kind != "endpoint.fingerprint" || last.Endpoint != "a" || last.Message != "They vary." {
			t.Errorf("got %+v", last)
		}
		if err := db.NotePromptVaries(ctx, 0, "a", "Again."); !errors.Is(err, understudy.ErrStale) {
			t.Errorf("twice: %v", err)
		}
		must(db.UpdateEndpoint(ctx, "a", func(e *understudy.Endpoint) error {
			e.ChooseFingerprint(understudy.FingerprintFull)
			return nil
		}))
		if err := db.NotePromptVaries(ctx, 0, "a", "They vary."); !errors.Is(err, understudy.ErrStale) {
			t.Errorf("against a person's choice: %v", err)
		}
	})
}

func TestPairsStoredBeforeTheSwitchTeachAfterIt(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		endpoint(t, db, "a")
		for i := range 2 * understudy.MinFingerprintPairs {
			mode := understudy.FingerprintFull
			if i%4 == 0 {
				mode = understudy.FingerprintTools
			}
			insert(t, db, ofUser(i, 0, mode))
		}
		named := func(p *understudy.Pair) { p.Fingerprint = "named" }
		for i := range understudy.MinFingerprintPairs {
			insert(t, db, ofUser(100+i, 0, understudy.FingerprintFull, named))
		}
		m := must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: "a"}))
		m = must(db.Freeze(ctx, 0, m, understudy.DataSize{MaxTrain: 100, MaxEval: 100}, false, understudy.FingerprintFull))
		if m.TrainPairs != understudy.MinFingerprintPairs || !slices.Equal(m.Fingerprints, []string{"named"}) || m.TaskMode != understudy.FingerprintFull {
			t.Fatalf("by prompt: %d pairs of %v, %s", m.TrainPairs, m.Fingerprints, m.TaskMode)
		}
		m = must(db.Freeze(ctx, 0, m, understudy.DataSize{MaxTrain: 100, MaxEval: 100}, false, understudy.FingerprintTools))
		if m.TrainPairs != 3*understudy.MinFingerprintPairs || len(m.Fingerprints) != 2 || !slices.Contains(m.Fingerprints, "named") {
			t.Fatalf("by tools: %d pairs of %v", m.TrainPairs, m.Fingerprints)
		}
		if stored := must(db.Model(ctx, m.ID)); stored.TaskMode != understudy.FingerprintTools {
			t.Fatalf("stored as %q", stored.TaskMode)
		}
	})
}

func TestRowsFromBeforeTheTaskModeStayValid(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		for _, mode := range []understudy.FingerprintMode{understudy.FingerprintFull, understudy.FingerprintTools} {
			e := understudy.NewEndpoint(string(mode), "openai", "gpt-4o-mini", 0.85)
			e.Fingerprint = mode
			must(db.CreateEndpoint(ctx, e))
			must(db.CreateModel(ctx, 0, understudy.Model{Endpoint: e.Name}))
		}
		provider := must(db.provider())
		must(provider.DownTo(ctx, 3))
		if err := db.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		for _, e := range must(db.Endpoints(ctx)) {
			models := must(db.Models(ctx, understudy.ModelFilter{Endpoint: e.Name}))
			if string(e.Fingerprint) != e.Name || e.TaskMode() != e.Fingerprint || models[0].TaskMode != e.Fingerprint {
				t.Errorf("%s: %+v, its model's mode %q", e.Name, e, models[0].TaskMode)
			}
		}
	})
}
