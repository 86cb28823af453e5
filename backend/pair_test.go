package understudy

import (
	"encoding/json"
	"testing"
)

func TestCanonicalAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer Answer
		want   string
	}{
		{"text stays as it is", Answer{Text: " Hello "}, " Hello "},
		{"tool calls become name and arguments, ids left out", Answer{Text: "x", ToolCalls: json.RawMessage(`[{"id":"call_1","type":"function","function":{"name":"refund","arguments":"{ \"b\": 1, \"a\": true }"}}]`)},
			`[{"name":"refund","arguments":{"a":true,"b":1}}]`},
		{"arguments that are no JSON stay text", Answer{ToolCalls: json.RawMessage(`[{"function":{"name":"say","arguments":"hi"}}]`)},
			`[{"name":"say","arguments":"hi"}]`},
		{"no tool calls", Answer{Text: "Hello", ToolCalls: json.RawMessage(`[]`)}, "Hello"},
		{"tool calls that cannot be read", Answer{Text: "Hello", ToolCalls: json.RawMessage(`{"x"`)}, "Hello"},
	} {
		if got := c.answer.Canonical(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAnswersThatSayTheSame(t *testing.T) {
	for _, c := range []struct {
		name             string
		expected, actual string
		same             bool
	}{
		{"case and white space", "Card arrival", "card  arrival\n", true},
		{"punctuation at the end counts", "Yes.", "Yes", false},
		{"JSON with keys in another order", `{"a":1,"b":[true,null]}`, `{ "b": [true, null], "a": 1 }`, true},
		{"numbers by value", `{"n":1,"m":100}`, `{"n":1.0,"m":1e2}`, true},
		{"large numbers to the last digit", `[9007199254740993]`, `[9007199254740992]`, false},
		{"a list in another order", `[1,2]`, `[2,1]`, false},
		{"case within JSON counts", `{"a":"X"}`, `{"a":"x"}`, false},
		{"JSON and text around it", `{"a":1}`, `Here: {"a":1}`, false},
		{"JSON and a second value after it", `{"a":1}`, `{"a":1}{"a":1}`, false},
		{"text that looks like JSON and is none", `{refund}`, `{REFUND}`, true},
		{"nothing and nothing", "", " ", true},
		{"something and nothing", "a", "", false},
	} {
		if got := SameAnswer(Answer{Text: c.expected}, Answer{Text: c.actual}); got != c.same {
			t.Errorf("%s: same %v, want %v", c.name, got, c.same)
		}
	}
	call := func(args string) Answer {
		raw, _ := json.Marshal([]map[string]any{{"id": args, "function": map[string]string{"name": "f", "arguments": args}}})
		return Answer{ToolCalls: raw}
	}
	if !SameAnswer(call(`{"a":1,"b":2}`), call(`{"b":2.0,"a":1}`)) {
		t.Error("tool calls with the same arguments are the same")
	}
	if SameAnswer(call(`{"a":1}`), call(`{"a":2}`)) {
		t.Error("tool calls with other arguments are not")
	}
}

func TestOnlyUnbiasedAnswersOfTheLLMTeach(t *testing.T) {
	teaches := map[Reason]bool{ReasonNormal: true, ReasonSample: true, ReasonImport: true}
	for _, r := range []Reason{ReasonNormal, ReasonSample, ReasonFallback, ReasonForced, ReasonImport, ReasonShadow} {
		for _, s := range []Source{SourceLLM, SourceSLM} {
			for _, complete := range []bool{true, false} {
				want := teaches[r] && s == SourceLLM && complete
				if got := (Pair{Reason: r, Source: s, Complete: complete}).Teaches(); got != want {
					t.Errorf("%s of the %s, complete %v: teaches %v", r, s, complete, got)
				}
			}
		}
	}
}

func TestAnswersThatWereCutOffDoNotTeach(t *testing.T) {
	for finish, want := range map[string]bool{"stop": true, "tool_calls": true, "": true, "length": false, "content_filter": false} {
		p := Pair{Reason: ReasonNormal, Source: SourceLLM, Complete: true, Answer: Answer{Text: "x", FinishReason: finish}}
		if p.Teaches() != want {
			t.Errorf("an answer that ended with %q teaches: %v", finish, !want)
		}
	}
}

func FuzzCanonicalAnswersAreTheSameAsThemselves(f *testing.F) {
	f.Add("hello", []byte(`[{"function":{"name":"a","arguments":"{}"}}]`))
	f.Add(`{"a":1e999999999}`, []byte(`null`))
	f.Fuzz(func(t *testing.T, text string, calls []byte) {
		a := Answer{Text: text, ToolCalls: calls}
		if !SameAnswer(a, a) {
			t.Errorf("%q is not the same as itself", a.Canonical())
		}
	})
}
