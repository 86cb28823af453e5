package understudy

import "time"

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

// EventFilter chooses events; zero fields choose all.
type EventFilter struct{ Endpoint, ModelID, Kind string }

// Takes reports whether the filter chooses an event.
func (f EventFilter) Takes(e Event) bool {
	same := func(want, got string) bool { return want == "" || want == got }
	return same(f.Endpoint, e.Endpoint) && same(f.ModelID, e.ModelID) && same(f.Kind, e.Kind)
}
