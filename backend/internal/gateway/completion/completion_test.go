package completion

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	understudy "understudy.dev/backend"
)

func TestAStreamIsAssembled(t *testing.T) {
	for name, c := range map[string]struct {
		chunks []string
		want   understudy.Answer
	}{
		"content in pieces": {
			[]string{`{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`, `{"choices":[{"index":0,"delta":{"content":"Hel"}}]}`,
				`{"choices":[{"index":0,"delta":{"content":"lo \u00e9"}}]}`, `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, `[DONE]`},
			understudy.Answer{Text: "Hello é", FinishReason: "stop"},
		},
		"the first of two choices": {
			[]string{`{"choices":[{"index":1,"delta":{"content":"b"}}]}`, `{"choices":[{"index":0,"delta":{"content":"a"}}]}`},
			understudy.Answer{Text: "a"},
		},
		"two tool calls, interleaved": {
			[]string{`{"choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}}]}}]}`,
				`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"c2","type":"function","function":{"name":"g","arguments":"{"}}]}}]}`,
				`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}},{"index":1,"function":{"arguments":"}"}}]},"finish_reason":"tool_calls"}]}`},
			understudy.Answer{FinishReason: "tool_calls", ToolCalls: json.RawMessage(`[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]`)},
		},
		"a refusal": {
			[]string{`{"choices":[{"index":0,"delta":{"refusal":"No."},"finish_reason":"stop"}]}`},
			understudy.Answer{Text: "No.", FinishReason: "stop"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var a Assembler
			for _, s := range c.chunks {
				a.Add([]byte(s))
			}
			if d := cmp.Diff(c.want, a.Answer()); d != "" {
				t.Error(d)
			}
			got, _, ok := Parse(a.JSON())
			if d := cmp.Diff(c.want, got); d != "" || !ok {
				t.Errorf("as one completion (%v): %s", ok, d)
			}
		})
	}
}

func TestWhatAStreamSaysBesidesItsAnswer(t *testing.T) {
	var a Assembler
	a.Add([]byte(`{"id":"x","model":"m","created":5,"choices":[{"index":0,"delta":{"role":"assistant","content":null}}],"usage":null}`))
	if a.Started() {
		t.Error("a role alone starts nothing")
	}
	a.Add([]byte(`{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}`))
	a.Add([]byte(`{"error":{"message":"out of memory"}}`))
	a.Add([]byte(`<html>`))
	a.Add([]byte(`[DONE]`))
	if a.Usage.Prompt != 3 || a.Usage.Completion != 4 || a.Failed != "out of memory" || !a.Garbage || !a.Done || a.ID != "x" || a.Model != "m" || a.Created != 5 {
		t.Errorf("%+v", a)
	}
}

func TestGarbageIsNoCompletion(t *testing.T) {
	for _, s := range []string{``, `<html>`, `{}`, `{"choices":[]}`, `{"choices":[{"message":"x"}]}`, `[1]`} {
		if _, _, ok := Parse([]byte(s)); ok {
			t.Errorf("%q passed", s)
		}
	}
}

func FuzzAssembler(f *testing.F) {
	f.Add([]byte(`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":9}]},"finish_reason":"stop"}],"usage":{}}`))
	f.Add([]byte(`{"error":"x","choices":{"index":0}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var a Assembler
		a.Add(data)
		a.Add(data)
		if _, _, ok := Parse(a.JSON()); !ok {
			t.Fatalf("%s gave %s", data, a.JSON())
		}
	})
}
