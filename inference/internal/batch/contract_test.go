package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"testing"
)

type contract struct {
	Prompts struct {
		Method, Path string
		Response     json.RawMessage
	}
	Answers struct {
		Method, Path string
		MaxAnswers   int
		Request      json.RawMessage
		Status       int
	}
}

func readContract(t *testing.T) contract {
	t.Helper()
	b, err := os.ReadFile("../../../ci/contract/batch.json")
	if err != nil {
		t.Fatal(err)
	}
	var c contract
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func strict(t *testing.T, raw []byte, v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		t.Fatal(err)
	}
}

// same compares two JSON documents.
func same(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

func TestTheWireIsTheContracts(t *testing.T) {
	c := readContract(t)
	if c.Answers.MaxAnswers != MaxAnswers {
		t.Errorf("a post may carry %d answers, MaxAnswers is %d", c.Answers.MaxAnswers, MaxAnswers)
	}
	var posted []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer pod" {
			t.Errorf("Authorization %q", got)
		}
		switch r.Method + " " + r.URL.RequestURI() {
		case c.Prompts.Method + " " + c.Prompts.Path:
			w.Write(c.Prompts.Response)
		case c.Answers.Method + " " + c.Answers.Path:
			posted, _ = io.ReadAll(r.Body)
			w.WriteHeader(c.Answers.Status)
		default:
			t.Errorf("no such call: %s %s", r.Method, r.URL.RequestURI())
		}
	}))
	defer srv.Close()
	b := &Backend{URL: srv.URL, Model: "0198c0de-0000-7000-8000-000000000001", Attempt: 1, Token: func() (string, error) { return "pod", nil }}

	page, err := b.Prompts(context.Background(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var want Page
	strict(t, c.Prompts.Response, &want)
	if !reflect.DeepEqual(page, want) || len(page.Items) != 2 || page.Remaining == 0 {
		t.Errorf("got %+v", page)
	}

	var answers struct{ Answers []Answer }
	strict(t, c.Answers.Request, &answers)
	if err := b.Answers(context.Background(), answers.Answers); err != nil {
		t.Fatal(err)
	}
	if !same(t, posted, c.Answers.Request) {
		t.Errorf("posted %s", posted)
	}
}

func TestTheRequestIsThePromptsOwnWithWhatABatchDecides(t *testing.T) {
	cases := map[string]struct {
		prompt  Prompt
		adapter bool
		want    string
	}{
		"bounded, at temperature 0": {Prompt{Variant: Tuned, MaxTokens: 7, Request: []byte(`{"messages":[1]}`)}, true,
			`{"messages":[1],"temperature":0,"max_tokens":7}`},
		"with a temperature of its own": {Prompt{Variant: Tuned, MaxTokens: 7, Request: []byte(`{"messages":[1],"temperature":0.5}`)}, true,
			`{"messages":[1],"temperature":0.5,"max_tokens":7}`},
		"with its own bounds replaced and no stream": {Prompt{Variant: Tuned, MaxTokens: 7, Request: []byte(`{"messages":[1],"max_completion_tokens":9,"max_tokens":9,"stream":true,"stream_options":{}}`)}, true,
			`{"messages":[1],"temperature":0,"max_tokens":7}`},
		"unbounded": {Prompt{Variant: Tuned, Request: []byte(`{"messages":[1],"max_tokens":9,"temperature":null}`)}, true,
			`{"messages":[1],"temperature":0,"max_tokens":9}`},
		"for the base, with the adapter off": {Prompt{Variant: Base, MaxTokens: 7, Request: []byte(`{"messages":[1]}`)}, true,
			`{"messages":[1],"temperature":0,"max_tokens":7,"lora":[{"id":0,"scale":0}]}`},
		"for the base, without an adapter": {Prompt{Variant: Base, MaxTokens: 7, Request: []byte(`{"messages":[1]}`)}, false,
			`{"messages":[1],"temperature":0,"max_tokens":7}`},
		"with what we do not know kept": {Prompt{Variant: Tuned, Request: []byte(`{"messages":[1],"response_format":{"type":"json_object"},"seed":123456789012345678}`)}, true,
			`{"messages":[1],"temperature":0,"response_format":{"type":"json_object"},"seed":123456789012345678}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := body(c.prompt, c.adapter)
			if err != nil || !same(t, got, []byte(c.want)) {
				t.Errorf("%s %v", got, err)
			}
		})
	}
	for name, raw := range map[string]string{"no JSON": `{`, "no object": `[]`, "no messages": `{}`} {
		if _, err := body(Prompt{Request: []byte(raw)}, true); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
