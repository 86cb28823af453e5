// Package charts holds the Helm charts that the platform's programs install.
package charts

import "embed"

// SLM is the chart that the backend releases for each model, under slm/. Only
// what a release needs is embedded: whatever is, becomes a file of the chart
// and part of every stored release record. all: keeps _helpers.tpl.
//
//go:embed slm/Chart.yaml slm/values.yaml slm/values.schema.json all:slm/templates
var SLM embed.FS
