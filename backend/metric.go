package understudy

import "strings"

// Label answers are at most this long.
const labelWords = 4

// exactShare is the part of the expected answers that must be labels, JSON or
// tool calls for auto to come to exact: sentence embeddings are blind to a
// wrong label and to a wrong field.
const exactShare = 0.90

// ChooseMetric is what auto comes to.
func ChooseMetric(papers []Paper) Metric {
	var short int
	for _, p := range papers {
		text := p.Expected.Canonical()
		if _, isJSON := canonicalJSON(text); isJSON || len(strings.Fields(text)) <= labelWords {
			short++
		}
	}
	if len(papers) > 0 && float64(short) >= exactShare*float64(len(papers)) {
		return MetricExact
	}
	return MetricSimilarity
}
