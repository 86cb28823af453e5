package understudy

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"unicode"
)

// Lookup finds the train prompt that is nearest to another: TF-IDF cosine over
// words and the character trigrams within them. It needs no embeddings, so
// that twenty thousand prompts cost a second: the answer that the nearest
// prompt had is the look-up yardstick, and only neighbours at or above
// NearCandidate are worth embedding to tell whether they are nearly the same.
type Lookup struct {
	postings map[string][]posting // by feature, in prompt order
	n        int
}

type posting struct {
	prompt int32
	weight float32 // of the normalised vector
}

// Neighbour is a train prompt and how near it is.
type Neighbour struct {
	Index  int     // into the prompts, -1 where none shares anything
	Cosine float64 // lexical, 0 to 1
}

// NearCandidate is the lexical cosine below which two prompts are taken to be
// different without asking the sentence model.
const NearCandidate = 0.5

// lookupRunes is how much of a prompt counts: about what the sentence model
// reads of it.
const lookupRunes = 800

// NewLookup indexes the prompts' texts.
func NewLookup(prompts []string) *Lookup {
	l := &Lookup{postings: map[string][]posting{}, n: len(prompts)}
	for i, p := range prompts {
		for f, count := range features(p) {
			l.postings[f] = append(l.postings[f], posting{int32(i), float32(1 + math.Log(float64(count)))})
		}
	}
	norms := make([]float64, len(prompts))
	for _, list := range l.postings {
		idf := l.idf(len(list))
		for i := range list {
			list[i].weight *= float32(idf)
			norms[list[i].prompt] += float64(list[i].weight) * float64(list[i].weight)
		}
	}
	for _, list := range l.postings {
		for i := range list {
			if n := norms[list[i].prompt]; n > 0 {
				list[i].weight /= float32(math.Sqrt(n))
			}
		}
	}
	return l
}

// idf weighs a feature by how rare it is. What more than half of many
// prompts share tells little and would cost most of the time: it counts nothing.
func (l *Lookup) idf(prompts int) float64 {
	if l.n >= 20 && 2*prompts > l.n {
		return 0
	}
	return math.Log((1 + float64(l.n)) / (float64(prompts) + 0.5))
}

// Nearest returns the nearest prompt, the first of equals.
func (l *Lookup) Nearest(prompt string) Neighbour {
	scores := make([]float32, l.n)
	var norm float64
	for f, count := range features(prompt) {
		list := l.postings[f]
		w := (1 + math.Log(float64(count))) * l.idf(len(list))
		if w == 0 {
			continue
		}
		norm += w * w
		for _, p := range list {
			scores[p.prompt] += float32(w) * p.weight
		}
	}
	best := Neighbour{Index: -1}
	for i, s := range scores {
		// rounded, since the sum's order and so its last bits are random
		if c := math.Round(float64(s)/math.Sqrt(norm)*1e5) / 1e5; c > best.Cosine {
			best = Neighbour{Index: i, Cosine: min(1, c)}
		}
	}
	return best
}

// features are the words of a text, and the trigrams within them.
func features(text string) map[string]int {
	out := map[string]int{}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	left := lookupRunes
	for _, w := range words {
		if left -= len(w) + 1; left < 0 {
			break
		}
		out["w "+w]++
		r := []rune(" " + w + " ")
		for i := 0; i+3 <= len(r); i++ {
			out[string(r[i:i+3])]++
		}
	}
	return out
}

// AskedText is what a request asks: its messages but for the instructions,
// which a task's requests share. Requests that are only instructions count
// whole.
func AskedText(request json.RawMessage) string {
	var c Chat
	if json.Unmarshal(request, &c) != nil {
		return string(request)
	}
	var asked, all []string
	for _, m := range c.Messages {
		all = append(all, m.Text())
		if !m.System() {
			asked = append(asked, m.Text())
		}
	}
	if len(asked) == 0 {
		asked = all
	}
	return strings.Join(asked, "\n")
}

// Deal returns a seeded permutation of 0..n-1 that leaves nothing in its
// place, where n > 1: who gets whose answer when chance is measured.
func Deal(n int) []int {
	random := rand.New(rand.NewPCG(1, 2))
	deal := make([]int, n)
	for i := range deal {
		deal[i] = i
	}
	for i := n - 1; i > 0; i-- { // Sattolo: one cycle through all
		j := random.IntN(i)
		deal[i], deal[j] = deal[j], deal[i]
	}
	return deal
}
