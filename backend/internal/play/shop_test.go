package play

import (
	"encoding/json"
	"reflect"
	"testing"

	understudy "understudy.dev/backend"
)

func TestTheShopsConversations(t *testing.T) {
	const n = 1900
	shop := Shop(1, n)
	if !reflect.DeepEqual(shop[:50], Shop(1, 50)) {
		t.Error("the same seed gives other conversations")
	}
	if reflect.DeepEqual(shop[:50], Shop(2, 50)) {
		t.Error("another seed gives the same conversations")
	}
	classes, urgent, lengths := map[string]int{}, 0, map[int]bool{}
	sides := map[understudy.Split][]map[string]bool{}
	for _, c := range shop {
		var record triage
		if err := json.Unmarshal([]byte(c.AnswerText()), &record); err != nil {
			t.Fatalf("%s: %v", c.AnswerText(), err)
		}
		classes[record.Wish]++
		if record.Urgent {
			urgent++
		}
		chat := c.Chat()
		text := chat.Messages[1].Text()
		lengths[len(tokens(text))] = true
		side := understudy.SplitOf(chat.ConversationHash())
		sides[side] = append(sides[side], shingles(text))
	}
	if len(classes) < 12 || urgent < n/5 || len(lengths) < 25 {
		t.Errorf("%d classes, %d urgent, %d lengths: too little variety", len(classes), urgent, len(lengths))
	}
	if len(sides[understudy.SplitEval]) < 300 {
		t.Errorf("%d messages for the eval split", len(sides[understudy.SplitEval]))
	}
	for _, e := range sides[understudy.SplitEval] {
		for _, o := range sides[understudy.SplitTrain] {
			if jaccard(e, o) >= twinJaccard {
				t.Fatalf("near twins across the split: %v and %v", e, o)
			}
		}
	}
}

func TestEveryShopHasAnExamOfThreeHundred(t *testing.T) {
	for seed := range uint64(3) {
		p, exam := ShopPlan(seed), 0
		for _, c := range p.Capture {
			if side(c) == understudy.SplitEval {
				exam++
			}
		}
		if exam < 300 || len(p.Last) != lastRequests {
			t.Errorf("seed %d: %d requests for the exam of %d, %d for the last act", seed, exam, len(p.Capture), len(p.Last))
		}
	}
}

func TestTwinsAreFoundWhateverTheirDigits(t *testing.T) {
	seen := newTwins()
	if !seen.add("Where is order 12345, please?", understudy.SplitTrain) {
		t.Fatal("the first message was refused")
	}
	for text, want := range map[string]bool{
		"where is order 99999 please":           false,
		"Where is order 1, please? Thanks":      false,
		"My kettle arrived broken, what a pity": true,
	} {
		if got := seen.add(text, understudy.SplitEval); got != want {
			t.Errorf("%q: kept %v", text, got)
		}
	}
}
