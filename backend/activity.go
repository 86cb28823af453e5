package understudy

import "time"

// Activity is what one replica of the gateway knows of an endpoint's SLM.
// UpsertActivity keeps a stored time where the new one is nil.
type Activity struct {
	Endpoint     string
	Replica      string
	LastWantedAt *time.Time // a request could have used the SLM
	LastServedAt *time.Time // the SLM answered one
	InFlight     int        // requests that the SLM answers now
	UpdatedAt    time.Time
}

// Replica is a gateway process that lives.
type Replica struct {
	ID              string
	RouteGeneration int64 // of the snapshot it routes by
	SeenAt          time.Time
}

// ReplicaTimeout is how long after its last heartbeat a replica counts as live.
const ReplicaTimeout = 15 * time.Second
