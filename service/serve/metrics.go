package serve

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

var fqName = regexp.MustCompile(`fqName: "([^"]+)"`)

// MetricNames returns the names of the platform's own metrics that collectors
// describe, sorted: those that have no value yet too. A registry is a
// collector.
func MetricNames(collectors ...prometheus.Collector) []string {
	var names []string
	for _, c := range collectors {
		descs := make(chan *prometheus.Desc)
		go func() {
			defer close(descs)
			c.Describe(descs)
		}()
		for d := range descs {
			if m := fqName.FindStringSubmatch(d.String()); m != nil && strings.HasPrefix(m[1], "understudy_") {
				names = append(names, m[1])
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
