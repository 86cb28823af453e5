package httpapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func conversation(user, assistant string) string {
	return fmt.Sprintf(`{"messages":[{"role":"system","content":"Label it."},{"role":"user","content":%q},{"role":"assistant","content":%q}]}`, user, assistant)
}

func TestAnImportNamesBrokenLinesAndTakesTheRest(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	lines := []string{
		"\xef\xbb\xbf" + conversation("Where is my parcel?", "track"),
		"",
		"no JSON",
		`{"messages":[{"role":"user","content":"no answer"}]}`,
		`{"messages":[{"role":"user","content":"x"},{"role":"user","content":"not the assistant's"}]}`,
		`{"messages":[{"role":"system","content":"nobody asked"},{"role":"assistant","content":"x"}]}`,
		`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":""}]}`,
		`{"messages":[{"role":"robot","content":"x"},{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}`,
		"{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"},{\"role\":\"assistant\",\"content\":\"y\"}]}",
		`{"messages":[{"role":"user","content":"` + strings.Repeat("long", maxImportLine/4) + `"},{"role":"assistant","content":"y"}]}`,
		`{"messages":[{"role":"user","content":"call it"},{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}],"tools":[{"type":"function"}],"user":"u1","weight":1}`,
		`{"messages":[{"role":"user","content":"mine"},{"role":"assistant","content":"y"}],"source":"slm"}`,
		`{"messages":[{"role":"user","content":"whose"},{"role":"assistant","content":"y"}],"source":"me"}`,
		conversation("the last line has no end", "yes"),
	}
	var r wire.ImportResult
	b.call("POST", "/endpoints/a/pairs:import", strings.Join(lines, "\r\n"), 200, &r)
	var named []int
	for _, l := range r.Broken {
		named = append(named, l.Line)
		if l.Error == "" {
			t.Errorf("line %d is broken without a reason", l.Line)
		}
	}
	if r.Imported != 4 || r.BrokenN != 9 || fmt.Sprint(named) != "[3 4 5 6 7 8 9 10 13]" {
		t.Fatalf("imported %d, broken %d: %v", r.Imported, r.BrokenN, named)
	}
	c, err := b.db.Counters(t.Context(), "a")
	if err != nil || c.Pairs != 4 || c.Train+c.Eval != 3 {
		t.Fatalf("got %+v, %v: the SLM's own answer must not teach", c, err)
	}
	if !b.heard.of("a") {
		t.Fatal("nobody was told")
	}
	var page wire.Page[wire.Pair]
	b.call("GET", "/endpoints/a/pairs?user=u1", nil, 200, &page)
	if len(page.Items) != 1 || page.Items[0].Reason != "import" || page.Items[0].Fingerprint == "" {
		t.Fatalf("got %+v", page.Items)
	}
}

func TestALongImportComesThroughWhole(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	r, w := io.Pipe()
	go func() {
		for i := range 2*importBatch + 7 {
			fmt.Fprintln(w, conversation(fmt.Sprint("question ", i), "answer"))
		}
		w.Close()
	}()
	req, _ := http.NewRequestWithContext(t.Context(), "POST", b.url+"/api/v1/endpoints/a/pairs:import", r)
	req.Header.Set("Authorization", "Bearer "+adminKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var result wire.ImportResult
	if err := json.NewDecoder(res.Body).Decode(&result); err != nil || result.Imported != 2*importBatch+7 {
		t.Fatalf("status %d, %+v, %v", res.StatusCode, result, err)
	}
	_, raw := b.send(adminKey, "GET", "/api/v1/endpoints/a/pairs:export", nil)
	if n := strings.Count(string(raw), "\n"); n != 2*importBatch+7 {
		t.Fatalf("exported %d lines", n)
	}
}

func TestAnEmptyImportSaysWhatToSend(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	for _, body := range []any{nil, "", "\n\n"} {
		if said := b.call("POST", "/endpoints/a/pairs:import", body, 422, nil); !strings.Contains(said, "messages") {
			t.Errorf("got %s", said)
		}
	}
	b.call("POST", "/endpoints/none/pairs:import", conversation("x", "y"), 404, nil)
}

func TestAnExportCanBeImportedAgain(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	b.endpoint("b")
	tools := `{"messages":[{"content":"call it","role":"user"},{"content":null,"role":"assistant","tool_calls":[{"id":"1"}]}],"tools":[{"type":"function"}]}`
	b.call("POST", "/endpoints/a/pairs:import", conversation("<one> & two", "\"1\"")+"\n"+tools, 200, nil)
	shadow := understudy.Pair{Endpoint: "a", Request: json.RawMessage(`{"messages":[{"role":"user","content":"x"}]}`), Answer: understudy.Answer{Text: "s"},
		Source: understudy.SourceSLM, Reason: understudy.ReasonShadow, Complete: true}
	broken := shadow
	broken.Source, broken.Reason, broken.Complete = understudy.SourceLLM, understudy.ReasonNormal, false
	if err := b.db.InsertPairs(t.Context(), []understudy.Pair{shadow, broken}); err != nil {
		t.Fatal(err)
	}
	_, first := b.send(adminKey, "GET", "/api/v1/endpoints/a/pairs:export", nil)
	var r wire.ImportResult
	b.call("POST", "/endpoints/b/pairs:import", string(first), 200, &r)
	_, second := b.send(adminKey, "GET", "/api/v1/endpoints/b/pairs:export", nil)
	if r.Imported != 2 || string(first) != string(second) || !strings.Contains(string(first), "<one> & two") {
		t.Fatalf("imported %d;\n%s\n%s", r.Imported, first, second)
	}
	if _, slm := b.send(adminKey, "GET", "/api/v1/endpoints/a/pairs:export?source=slm", nil); len(slm) != 0 {
		t.Fatalf("shadows were exported: %s", slm)
	}
}

func TestPairsAreFoundAndDeleted(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	b.endpoint("b")
	var lines []string
	for i := range 5 {
		lines = append(lines, strings.Replace(conversation(fmt.Sprint("question ", i), "answer"), "{", fmt.Sprintf(`{"user":"u%d",`, i%2), 1))
	}
	b.call("POST", "/endpoints/a/pairs:import", strings.Join(lines, "\n"), 200, nil)
	var page, rest wire.Page[wire.Pair]
	b.call("GET", "/endpoints/a/pairs?limit=3", nil, 200, &page)
	b.call("GET", "/endpoints/a/pairs?limit=3&cursor="+page.Next, nil, 200, &rest)
	if len(page.Items) != 3 || len(rest.Items) != 2 || rest.Next != "" || page.Items[0].ID < rest.Items[0].ID {
		t.Fatalf("pages of %d and %d", len(page.Items), len(rest.Items))
	}
	id := page.Items[0].ID
	var p wire.Pair
	b.call("GET", "/endpoints/a/pairs/"+id, nil, 200, &p)
	b.call("GET", "/endpoints/b/pairs/"+id, nil, 404, nil)
	b.call("DELETE", "/endpoints/b/pairs/"+id, nil, 404, nil)
	b.call("DELETE", "/endpoints/a/pairs/"+id, nil, 204, nil)
	b.call("GET", "/endpoints/a/pairs/"+id, nil, 404, nil)
	var gone wire.Deleted
	b.call("DELETE", "/endpoints/a/pairs?user=u1", nil, 200, &gone)
	if gone.Deleted != 2 {
		t.Fatalf("deleted %d", gone.Deleted)
	}
	b.call("DELETE", "/endpoints/a/pairs", nil, 422, nil)
	b.call("DELETE", "/endpoints/a/pairs?user=", nil, 422, nil)
	b.call("GET", "/endpoints/a/pairs?source=nobody", nil, 422, nil)
	b.call("GET", "/endpoints/a/pairs?search=QUESTION+2", nil, 200, &page)
	if len(page.Items) != 1 {
		t.Fatalf("found %d", len(page.Items))
	}
}

func FuzzALineOfAnImport(f *testing.F) {
	f.Add([]byte(conversation("a", "b")))
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]},{"role":"assistant","content":"y"}],"tools":null}`))
	f.Add([]byte(`{"messages":[null,null]}`))
	e := understudy.NewEndpoint("a", "u", "m", 0.5)
	f.Fuzz(func(t *testing.T, line []byte) {
		p, err := pairFromLine(e, line)
		if err != nil {
			return
		}
		var c understudy.Chat
		if err := json.Unmarshal(p.Request, &c); err != nil || len(c.Messages) == 0 || !p.Complete || p.Split == "" {
			t.Fatalf("%q became %+v, %v", line, p, err)
		}
		if back, ok := lineOf(p); !ok || len(back.Messages) != len(c.Messages)+1 {
			t.Fatalf("%q cannot be exported", line)
		}
	})
}
