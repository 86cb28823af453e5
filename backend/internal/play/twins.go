package play

import (
	"regexp"
	"strings"

	understudy "understudy.dev/backend"
)

// twins keeps messages of the two splits apart: two messages are near twins
// when their sets of words and word pairs have a Jaccard index of 0.6 or more,
// digits masked and greetings' punctuation ignored.
type twins struct {
	kept  map[understudy.Split][]map[string]bool
	exact map[string]bool
}

const twinJaccard = 0.6

func newTwins() *twins {
	return &twins{kept: map[understudy.Split][]map[string]bool{}, exact: map[string]bool{}}
}

// add keeps a message and returns true, unless it is there already or has a
// near twin on the other side.
func (t *twins) add(text string, side understudy.Split) bool {
	key := strings.Join(tokens(text), " ")
	if t.exact[key] {
		return false
	}
	other := understudy.SplitEval
	if side == understudy.SplitEval {
		other = understudy.SplitTrain
	}
	set := shingles(text)
	for _, o := range t.kept[other] {
		if jaccard(set, o) >= twinJaccard {
			return false
		}
	}
	t.exact[key] = true
	t.kept[side] = append(t.kept[side], set)
	return true
}

var word = regexp.MustCompile(`[\pL']+|[0-9]+`)

func tokens(s string) []string {
	w := word.FindAllString(strings.ToLower(s), -1)
	for i := range w {
		if w[i][0] >= '0' && w[i][0] <= '9' {
			w[i] = "#"
		}
	}
	return w
}

func shingles(s string) map[string]bool {
	set := map[string]bool{}
	w := tokens(s)
	for i := range w {
		set[w[i]] = true
		if i > 0 {
			set[w[i-1]+" "+w[i]] = true
		}
	}
	return set
}

func jaccard(a, b map[string]bool) float64 {
	if len(a) > len(b) {
		a, b = b, a
	}
	if float64(len(a)) < twinJaccard*float64(len(b)) {
		return 0
	}
	both := 0
	for k := range a {
		if b[k] {
			both++
		}
	}
	return float64(both) / float64(len(a)+len(b)-both)
}
