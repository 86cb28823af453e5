package lifecycle

import (
	"cmp"
	"context"
	"slices"
	"strings"

	understudy "understudy.dev/backend"
)

// nearTexts bounds how many texts are embedded to tell near prompts from far
// ones: without native libraries one costs 50 ms.
const nearTexts = 200

// compareWithKnown finds each unseen prompt's nearest train prompt, by words
// (understudy.Lookup). Its answer is the look-up yardstick. The prompt is near
// where the sentence model agrees: cosine at least NearSimilarity. Only
// neighbours that share enough words are embedded, the likeliest first and at
// most nearTexts texts; of likely ones beyond, Near stays unknown, and all
// others are far.
func (l *lead) compareWithKnown(ctx context.Context, m understudy.Model, answers []understudy.EvalAnswer) error {
	known, unseen, err := l.papers(ctx, m)
	if err != nil {
		return err
	}
	nearest := neighbours(known, unseen)
	near, err := l.near(ctx, known, unseen, nearest)
	if err != nil {
		return err
	}
	at := map[string]int{}
	for i, p := range unseen {
		at[p.id] = i
	}
	var scored []understudy.EvalAnswer
	for _, a := range answers {
		i, ok := at[a.PairID]
		if a.Variant != understudy.VariantTuned || !ok {
			continue
		}
		n := nearest[i].Index
		same := n >= 0 && understudy.SameAnswer(unseen[i].answer, known[n].answer)
		a.Near, a.LookupExact = near[i], &same
		scored = append(scored, a)
	}
	return l.DB.PutScores(ctx, m.ID, m.Attempt, scored)
}

// asked is what is compared of a pair of the data set.
type asked struct {
	id, text string // the text is the beginning of what was asked
	answer   understudy.Answer
}

// askedBytes is more than look-up and sentence model read of a text. Whole
// requests of a data set may be more than fits into memory.
const askedBytes = 8 << 10

func (l *lead) papers(ctx context.Context, m understudy.Model) (known, unseen []asked, err error) {
	read := func(split understudy.Split) (all []asked, err error) {
		err = l.DB.EachFrozen(ctx, m.ID, split, func(p understudy.Pair) error {
			text := understudy.AskedText(p.Request)
			if len(text) > askedBytes {
				text = strings.ToValidUTF8(text[:askedBytes], "")
			}
			all = append(all, asked{p.ID, strings.Clone(text), p.Answer})
			return nil
		})
		return all, err
	}
	if known, err = read(understudy.SplitTrain); err != nil {
		return nil, nil, err
	}
	unseen, err = read(understudy.SplitEval)
	return known, unseen, err
}

func neighbours(known, unseen []asked) []understudy.Neighbour {
	texts := make([]string, len(known))
	for i, p := range known {
		texts[i] = p.text
	}
	lookup := understudy.NewLookup(texts)
	out := make([]understudy.Neighbour, len(unseen))
	for i, p := range unseen {
		out[i] = lookup.Nearest(p.text)
	}
	return out
}

// near reports for each unseen prompt whether its neighbour is nearly the same,
// nil where that was not looked at.
func (l *lead) near(ctx context.Context, known, unseen []asked, nearest []understudy.Neighbour) ([]*bool, error) {
	var candidates []int
	near := make([]*bool, len(unseen))
	for i, n := range nearest {
		if n.Cosine >= understudy.NearCandidate {
			candidates = append(candidates, i)
		} else {
			near[i] = new(bool)
		}
	}
	slices.SortStableFunc(candidates, func(a, b int) int { return cmp.Compare(nearest[b].Cosine, nearest[a].Cosine) })
	candidates = candidates[:min(len(candidates), nearTexts/2)]

	var texts []string
	place := map[string]int{}
	add := func(p asked) int {
		if _, ok := place[p.text]; !ok {
			place[p.text] = len(texts)
			texts = append(texts, p.text)
		}
		return place[p.text]
	}
	type both struct{ prompt, a, b int }
	var compare []both
	for _, i := range candidates {
		compare = append(compare, both{i, add(unseen[i]), add(known[nearest[i].Index])})
	}
	if len(texts) == 0 {
		return near, nil
	}
	vectors, err := l.Evaluator.Embed(ctx, texts)
	if err != nil {
		return nil, err
	}
	for _, c := range compare {
		var cosine float64
		for k, x := range vectors[c.a] {
			cosine += float64(x) * float64(vectors[c.b][k]) // unit vectors
		}
		isNear := cosine >= understudy.NearSimilarity
		near[c.prompt] = &isNear
	}
	return near, nil
}
