// Package kustomize holds the kustomizations that the platform's programs
// apply.
package kustomize

import "embed"

// SLM has, under slm/, what every rendered charts/slm goes through: base, or
// an overlay over it. base reads the chart's output as base/helm.yaml, which
// the backend writes beside it in memory.
//
//go:embed slm
var SLM embed.FS
