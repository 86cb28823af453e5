//go:build tools

// Package tools pins the programs that lint the charts. It is a module of its
// own: they bring other versions of Helm and Kubernetes than the product has.
package tools

import (
	_ "github.com/helm/chart-testing/v3/ct"
	_ "helm.sh/helm/v3/cmd/helm"
)
