package understudy

import "time"

// Snapshot is everything that the gateway needs to route a request. It is
// immutable once published.
type Snapshot struct {
	Generation int64 // route generation; replicas acknowledge it
	Bypass     bool  // everything to the LLM
	Endpoints  map[string]EndpointRoute
	Keys       map[string]KeyRoute // by SHA-256 of the key, hex
}

// EndpointRoute is an endpoint as the gateway sees it.
type EndpointRoute struct {
	Endpoint Endpoint
	Target   *Target // nil: no SLM on stage
}

// KeyRoute is a client key as the gateway sees it.
type KeyRoute struct {
	ID              string
	DefaultEndpoint string // takes every request, whatever model it names; "" = none
}

// Target is the SLM on stage for an endpoint.
type Target struct {
	ModelID       string
	Version       int
	Release       string          // whose addresses serve it, see Addresses
	Alias         string          // what the SLM calls itself
	Adapter       string          // sha256
	ContextLength int             // tokens
	TaskMode      FingerprintMode // of Fingerprints; "" = full
	Fingerprints  map[string]bool
	JSONTasks     map[string]bool
	Tools         bool
	Asleep        bool
	ServedSince   time.Time
}

// Addresses tells the gateway where a release's ready pods are. It never
// blocks: it reads what a watch has brought.
type Addresses interface {
	// Ready returns base URLs (http://host:port), ready and not ending.
	Ready(release string) []string
}
