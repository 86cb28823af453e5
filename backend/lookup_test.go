package understudy

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestLookupFindsThePromptThatAPersonWouldCallNearest(t *testing.T) {
	known := []string{
		"Where is my parcel? It should have come on Monday.",
		"I want my money back for the broken lamp",
		"How do I change my delivery address",
		"My card was charged twice for one order",
	}
	l := NewLookup(known)
	for _, c := range []struct {
		name, prompt string
		want         int
	}{
		{"the same words in another order", "on Monday my parcel should have come, where is it", 0},
		{"a typo in the word that matters", "wher is my parcle", 0},
		{"another object, the same wish", "money back please, the chair is broken", 1},
		{"other forms of the words", "changing an adress for deliveries", 2},
		{"nothing in common", "жёлтый", -1},
		{"nothing at all", "", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := l.Nearest(c.prompt); got.Index != c.want {
				t.Errorf("nearest to %q: %d with cosine %.2f, want %d", c.prompt, got.Index, got.Cosine, c.want)
			}
		})
	}
	if got := l.Nearest(known[3]); got.Index != 3 || got.Cosine < 0.999 {
		t.Errorf("a known prompt's neighbour is %d at %.3f, want itself at 1", got.Index, got.Cosine)
	}
	if got := NewLookup(nil).Nearest("anything"); got.Index != -1 {
		t.Errorf("nothing known: neighbour %d, want none", got.Index)
	}
}

func TestLookupOfOnePromptStillFindsIt(t *testing.T) {
	if got := NewLookup([]string{"Where is my parcel?"}).Nearest("where is my parcel"); got.Index != 0 {
		t.Errorf("neighbour %d at %.3f, want 0", got.Index, got.Cosine)
	}
}

func TestAskedTextLeavesTheInstructionsOut(t *testing.T) {
	for _, c := range []struct{ name, request, want string }{
		{"instructions and a question", `{"messages":[{"role":"system","content":"Label it."},{"role":"user","content":"Hi"}]}`, "Hi"},
		{"a conversation", `{"messages":[{"role":"developer","content":"x"},{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":[{"type":"text","text":"c"}]}]}`, "a\nb\nc"},
		{"only instructions", `{"messages":[{"role":"system","content":"Tell a joke."}]}`, "Tell a joke."},
	} {
		if got := AskedText(json.RawMessage(c.request)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDealGivesEveryAnswerToSomebodyElse(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 300} {
		deal, seen := Deal(n), map[int]bool{}
		for to, from := range deal {
			seen[from] = true
			if n > 1 && to == from {
				t.Errorf("n=%d: %d keeps its own", n, to)
			}
		}
		if len(seen) != n {
			t.Errorf("n=%d: %d different answers were dealt", n, len(seen))
		}
		if fmt.Sprint(deal) != fmt.Sprint(Deal(n)) {
			t.Errorf("n=%d: dealt differently the second time", n)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	known := make([]string, 20_000)
	for i := range known {
		known[i] = fmt.Sprintf("hello, order %d of item %d has not come, where is %d? please answer soon, I need it on day %d", i*7919, i*31, i*17, i*13)
	}
	for b.Loop() {
		l := NewLookup(known)
		for i := range 1000 {
			l.Nearest(known[i*20])
		}
	}
}
