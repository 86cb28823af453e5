package understudy

import (
	"slices"
	"time"
)

// Event is a line in the platform's diary; its ID is a cursor.
type Event struct {
	ID       int64
	At       time.Time
	Kind     string // e.g. model.phase, endpoint.created, release.applied, training.progress
	Endpoint string
	ModelID  string
	Message  string // for a person
	Data     map[string]any
}

// ProgressKinds are the kinds that only say how far something is; there are
// many of them, and they hide what happened.
var ProgressKinds = []string{"training.progress", "evaluation.progress", "evaluation.scored"}

// EventFilter chooses events; zero fields choose all.
type EventFilter struct {
	Endpoint, ModelID, Kind string
	NoProgress              bool // leaves ProgressKinds out
}

// Takes reports whether the filter chooses an event.
func (f EventFilter) Takes(e Event) bool {
	same := func(want, got string) bool { return want == "" || want == got }
	return same(f.Endpoint, e.Endpoint) && same(f.ModelID, e.ModelID) && same(f.Kind, e.Kind) &&
		!(f.NoProgress && slices.Contains(ProgressKinds, e.Kind))
}
