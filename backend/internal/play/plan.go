package play

import understudy "understudy.dev/backend"

// Plan says which conversations are played when.
type Plan struct {
	Capture []Conversation // the first act's
	Last    []Conversation // the last act's: never seen before, and of the exam's side of the split, so that no near twin of them was learnt from
}

const (
	captureRequests = 1650 // at least; more until there are examRequests
	examRequests    = 310
	lastRequests    = 70
)

// ShopPlan plans a play of the bundled shop.
func ShopPlan(seed uint64) Plan {
	var p Plan
	exam := 0
	// A fifth is for the exam, more or less: some are to spare.
	for _, c := range Shop(seed, captureRequests+examRequests+lastRequests*6) {
		forExam := side(c) == understudy.SplitEval
		switch {
		case len(p.Capture) < captureRequests || exam < examRequests:
			p.Capture = append(p.Capture, c)
			if forExam {
				exam++
			}
		case forExam && len(p.Last) < lastRequests:
			p.Last = append(p.Last, c)
		}
	}
	return p
}

// DataPlan plans a play of the user's conversations: those of the exam's side
// beyond what a verdict needs, but at least 20, are kept for the last act.
func DataPlan(list []Conversation) Plan {
	exam := 0
	for _, c := range list {
		if side(c) == understudy.SplitEval {
			exam++
		}
	}
	keep := min(lastRequests, max(20, (exam-understudy.DefaultMinEvalPairs)/3))
	var p Plan
	// The end of the file plays last, as time would have it.
	for i := len(list) - 1; i >= 0; i-- {
		if len(p.Last) < keep && side(list[i]) == understudy.SplitEval {
			p.Last = append(p.Last, list[i])
		} else {
			p.Capture = append(p.Capture, list[i])
		}
	}
	return p
}

// All returns every conversation of the play: what a replay teacher must know.
func (p Plan) All() []Conversation { return append(append([]Conversation{}, p.Capture...), p.Last...) }

func side(c Conversation) understudy.Split { return understudy.SplitOf(c.Chat().ConversationHash()) }
