// Package contract holds the facts that the two ends of an interface are tested
// against.
package contract

import _ "embed"

// RunPod has the facts of RunPod's REST API v2.
//
//go:embed runpod.json
var RunPod []byte
