package understudy

// PairFilter selects an endpoint's pairs; the zero value of a field selects
// everything.
type PairFilter struct {
	Endpoint string
	Source   Source
	Split    Split
	Reason   Reason
	User     string
	ModelID  string
	Search   string // part of the request or the answer, letter case ignored
	// Before and After are pair ids. Without After the newest come first,
	// those older than Before; with After the oldest come first.
	Before, After string
	Limit         int // 0 = MaxPage
}

// MaxPage is the longest page of a list.
const MaxPage = 500
