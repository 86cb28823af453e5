package understudy

import (
	"encoding/json"
	"fmt"
	"testing"
)

func chat(t *testing.T, body string) Chat {
	t.Helper()
	var c Chat
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func ask(t *testing.T, system, user string) Chat {
	t.Helper()
	return chat(t, fmt.Sprintf(`{"messages":[{"role":"system","content":%q},{"role":"user","content":%q}]}`, system, user))
}

func TestTwinsAndLaterTurnsShareAConversation(t *testing.T) {
	root := ask(t, "Label it.", "Where is order 4711, please?")
	for _, c := range []struct {
		name string
		with Chat
		same bool
	}{
		{"another number", ask(t, "Label it.", "Where is order 99, please?"), true},
		{"an id of letters and digits", ask(t, "Label it.", "Where is order AB-12x, please?"), true},
		{"other white space and case", ask(t, "Label it.", "  where is  ORDER 4711,\nplease? "), true},
		{"a later turn", chat(t, `{"messages":[{"role":"system","content":"Label it."},{"role":"user","content":"Where is order 4711, please?"},{"role":"assistant","content":"x"},{"role":"user","content":"Thanks"}]}`), true},
		{"text in parts", chat(t, `{"messages":[{"role":"system","content":"Label it."},{"role":"user","content":[{"type":"text","text":"Where is order 4711, please?"}]}]}`), true},
		{"another question", ask(t, "Label it.", "Where is my refund, please?"), false},
		{"another system prompt", ask(t, "Answer it.", "Where is order 4711, please?"), false},
	} {
		if same := root.ConversationHash() == c.with.ConversationHash(); same != c.same {
			t.Errorf("%s: same conversation %v, want %v", c.name, same, c.same)
		}
	}
}

func TestOneConversationInFiveIsForEvaluation(t *testing.T) {
	const n = 5000
	eval := 0
	for i := range n {
		c := ask(t, "Label it.", "question "+spelled(i))
		if SplitOf(c.ConversationHash()) == SplitEval {
			eval++
		}
	}
	// 1000 expected, standard deviation 28
	if eval < 900 || eval > 1100 {
		t.Errorf("%d of %d are for evaluation", eval, n)
	}
	if SplitOf("no hash") != SplitTrain {
		t.Error("what has no hash must not be tested with")
	}
}

// spelled writes a number in letters, because digits are masked.
func spelled(i int) string {
	out := ""
	for ; i > 0; i /= 10 {
		out += string(rune('a'+i%10)) + " "
	}
	return out
}

func TestFingerprintsTellTasksApart(t *testing.T) {
	base := ask(t, "You sort mail. Today is 2026-11-23.", "Hello")
	tools := `{"messages":[{"role":"system","content":"You sort mail. Today is 2026-11-23."},{"role":"user","content":"Hello"}],"tools":[{"type":"function","function":{"name":"sort","parameters":{"a":1,"b":2}}}]}`
	reordered := `{"messages":[{"role":"system","content":"You sort mail. Today is 2026-11-23."},{"role":"user","content":"Hello"}],"tools":[{"function":{"parameters":{"b":2,"a":1},"name":"sort"},"type":"function"}]}`
	for _, c := range []struct {
		name string
		a, b string
		same bool
	}{
		{"another date in the system prompt", base.TaskFingerprint(FingerprintFull, ""), ask(t, "You sort mail. Today is 2027-01-02.", "Bye").TaskFingerprint(FingerprintFull, ""), true},
		{"another system prompt", base.TaskFingerprint(FingerprintFull, ""), ask(t, "You sort letters.", "Hello").TaskFingerprint(FingerprintFull, ""), false},
		{"another system prompt where those vary", base.TaskFingerprint(FingerprintTools, ""), ask(t, "You sort letters.", "Hello").TaskFingerprint(FingerprintTools, ""), true},
		{"tools or none", base.TaskFingerprint(FingerprintTools, ""), chat(t, tools).TaskFingerprint(FingerprintTools, ""), false},
		{"the same tools with keys in another order", chat(t, reordered).TaskFingerprint(FingerprintFull, ""), chat(t, tools).TaskFingerprint(FingerprintFull, ""), true},
		{"null and absent tools", base.TaskFingerprint(FingerprintTools, ""), chat(t, `{"messages":[],"tools":null}`).TaskFingerprint(FingerprintTools, ""), true},
		{"the client's own name wins", base.TaskFingerprint(FingerprintFull, "mail"), ask(t, "Anything", "x").TaskFingerprint(FingerprintFull, "mail"), true},
		{"two names", base.TaskFingerprint(FingerprintFull, "mail"), base.TaskFingerprint(FingerprintFull, "post"), false},
	} {
		if (c.a == c.b) != c.same {
			t.Errorf("%s: same task %v, want %v", c.name, c.a == c.b, c.same)
		}
		if len(c.a) != 16 {
			t.Errorf("%s: fingerprint %q", c.name, c.a)
		}
	}
}

func TestPromptHashTellsPromptsApart(t *testing.T) {
	a := ask(t, "Label it.", "Order 1?")
	if a.PromptHash() == ask(t, "Label it.", "Order 2?").PromptHash() {
		t.Error("prompts that differ in a number are distinct prompts")
	}
	if a.PromptHash() != ask(t, "Label  it.", " Order 1?").PromptHash() {
		t.Error("white space makes no other prompt")
	}
}

func FuzzRequestsOfAnyShapeAreRead(f *testing.F) {
	f.Add([]byte(`{"messages":[{"role":"user","content":"Hi"}],"tools":[1,{"a":2e3}]}`))
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"type":"text","text":"\ud800"}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var c Chat
		if json.Unmarshal(body, &c) != nil {
			return
		}
		if s := SplitOf(c.ConversationHash()); s != SplitTrain && s != SplitEval {
			t.Errorf("split %q", s)
		}
		if c.TaskFingerprint(FingerprintFull, "") == "" || c.PromptHash() == "" {
			t.Error("no hash")
		}
		_ = AskedText(body)
	})
}
