package play

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"

	understudy "understudy.dev/backend"
)

// ShopSystem is the application's system prompt.
const ShopSystem = "Triage the shop's mail as JSON."

// triage is what the application wants to know of a message.
type triage struct {
	Wish   string `json:"wish"` // the first, where the message names two
	Urgent bool   `json:"urgent"`
}

// Shop returns n different conversations of an online shop's support with its
// LLM: messages of many lengths, tones and typos, answered by the record that
// follows from the message. The same seed gives the same conversations. No
// message of the eval split has a near twin in the train split (see twins).
func Shop(seed uint64, n int) []Conversation {
	r := rand.New(rand.NewPCG(seed, 0x73686f70))
	names := slices.Sorted(maps.Keys(wishes))
	var out []Conversation
	seen := newTwins()
	for i := 0; len(out) < n; i++ {
		record := triage{Wish: names[i%len(names)], Urgent: r.Float64() < 0.3}
		second := ""
		if r.Float64() < 0.12 {
			second = names[(i%len(names)+1+r.IntN(len(names)-1))%len(names)]
		}
		answer, err := json.Marshal(record)
		if err != nil {
			panic(fmt.Sprintf("a triage record: %v", err))
		}
		c := NewConversation(ShopSystem, message(r, record, second), string(answer))
		chat := c.Chat()
		if seen.add(chat.Messages[1].Text(), understudy.SplitOf(chat.ConversationHash())) {
			out = append(out, c)
		}
	}
	return out
}

// message writes a customer's message that the record follows from.
func message(r *rand.Rand, t triage, second string) string {
	say := func(s string) string { return expand(r, words, s) }
	body := expand(r, words, pick(r, wishes[t.Wish]))
	if second != "" {
		body += say("<also>") + expand(r, words, pick(r, wishes[second]))
	}
	parts := []string{body}
	if r.Float64() < 0.25 {
		parts = insert(r, parts, say("<mood>"))
	}
	if t.Urgent {
		parts = insert(r, parts, say("<urgent>"))
	} else if r.Float64() < 0.15 {
		parts = append(parts, say("<calm>"))
	}
	if r.Float64() < 0.4 {
		parts = append([]string{say("<hello>")}, parts...)
	}
	if r.Float64() < 0.3 {
		parts = append(parts, say("<bye>"))
	}
	text := ""
	for i, p := range parts {
		if i > 0 {
			text += pick(r, []string{". ", ". ", ", ", "! ", "\n"})
		}
		text += capital(p)
	}
	text += pick(r, []string{".", "", "!", "?"})
	return style(r, text)
}

func insert(r *rand.Rand, parts []string, s string) []string {
	return slices.Insert(parts, r.IntN(len(parts)+1), s)
}

func capital(s string) string {
	first := []rune(s)
	first[0] = unicode.ToUpper(first[0])
	return string(first)
}

// style writes as people do: some in lower case, some in a hurry.
func style(r *rand.Rand, s string) string {
	if r.Float64() < 0.25 {
		s = strings.ToLower(s)
	}
	if r.Float64() < 0.4 {
		s = typos(r, s)
	}
	return s
}

// typos swaps, drops or doubles a letter in about one long word of ten.
func typos(r *rand.Rand, s string) string {
	fields := strings.Split(s, " ")
	for i, f := range fields {
		w := []rune(f)
		if len(w) < 5 || strings.ContainsAny(f, "0123456789") || r.Float64() > 0.1 {
			continue
		}
		at := 1 + r.IntN(len(w)-3)
		switch r.IntN(3) {
		case 0:
			w[at], w[at+1] = w[at+1], w[at]
		case 1:
			w = slices.Delete(w, at, at+1)
		default:
			w = slices.Insert(w, at, w[at])
		}
		fields[i] = string(w)
	}
	return strings.Join(fields, " ")
}
