package understudy

import (
	"strings"
	"unicode/utf8"
)

// Label answers are at most this long; the second holds where a script has no
// spaces between words.
const (
	labelWords   = 4
	labelLetters = 60
)

// exactShare is the part of the expected answers that must be labels, JSON or
// tool calls for auto to come to exact: sentence embeddings are blind to a
// wrong label and to a wrong field.
const exactShare = 0.90

// ChooseMetric is what auto comes to.
func ChooseMetric(papers []Paper) Metric {
	var short int
	for _, p := range papers {
		text := p.Expected.Canonical()
		_, isJSON := canonicalJSON(text)
		if isJSON || len(strings.Fields(text)) <= labelWords && utf8.RuneCountInString(text) <= labelLetters {
			short++
		}
	}
	if len(papers) > 0 && float64(short) >= exactShare*float64(len(papers)) {
		return MetricExact
	}
	return MetricSimilarity
}
