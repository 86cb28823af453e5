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
