package database

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/database/pgtest"
)

// both runs a test on either database, new and migrated.
func both(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{"SQLite": sqliteURL, "PostgreSQL": pgtest.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, url(t)))
		})
	}
}

func sqliteURL(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "understudy.db") }

func open(t testing.TB, url string) *DB {
	t.Helper()
	db, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// must returns v; it is for what the test does not examine.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func endpoint(t testing.TB, db *DB, name string) understudy.Endpoint {
	t.Helper()
	e, err := db.CreateEndpoint(t.Context(), understudy.NewEndpoint(name, "openai", "gpt-4o-mini", 0.85))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// pair is a pair that teaches; edit makes it another.
func pair(endpoint, prompt, answer string, edit ...func(*understudy.Pair)) understudy.Pair {
	request := `{"messages":[{"role":"system","content":"Label it."},{"role":"user","content":` + asJSON(prompt) + `}],"temperature":0.7}`
	chat := understudy.Chat{}
	if err := jsonInto(request, &chat); err != nil {
		panic(err)
	}
	p := understudy.Pair{
		ID: newID(), Endpoint: endpoint, Request: []byte(request), Answer: understudy.Answer{Text: answer, FinishReason: "stop"},
		Source: understudy.SourceLLM, Reason: understudy.ReasonNormal, Split: understudy.SplitTrain,
		Conversation: chat.ConversationHash(), Prompt: chat.PromptHash(), Fingerprint: "task",
		TokensIn: 10, TokensOut: 5, Counted: true, Latency: 120 * time.Millisecond, FirstToken: 30 * time.Millisecond,
		CostUSD: 0.25, Complete: true, CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
	for _, e := range edit {
		e(&p)
	}
	return p
}

func onEvalSide(p *understudy.Pair) { p.Split = understudy.SplitEval }

// insert stores pairs, of endpoints that are made where they are not there.
func insert(t testing.TB, db *DB, pairs ...understudy.Pair) {
	t.Helper()
	for _, p := range pairs {
		if _, err := db.Endpoint(context.Background(), p.Endpoint); understudy.CodeOf(err) == understudy.NotFound {
			endpoint(t, db, p.Endpoint)
		}
	}
	if err := db.InsertPairs(context.Background(), pairs); err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code understudy.Code) {
	t.Helper()
	if understudy.CodeOf(err) != code {
		t.Fatalf("got error %v (%s), want code %q", err, understudy.CodeOf(err), code)
	}
}
