package understudy

// ModelFilter chooses models; zero fields choose all.
type ModelFilter struct {
	Endpoint string
	Phases   []Phase
	Draining bool // only those whose replaced release still stands
}
