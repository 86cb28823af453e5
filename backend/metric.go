package understudy

import (
	"strings"
	"unicode"
)

// Label answers are at most this long: so many words, or so many letters of a
// script that has no spaces between words.
const (
	labelWords   = 4
	labelLetters = 40
)

var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

func isLabel(text string) bool {
	letters := 0
	for _, r := range text {
		if unicode.In(r, unspaced...) {
			letters++
		}
	}
	return len(strings.Fields(text)) <= labelWords && letters <= labelLetters
}

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
		if isJSON || isLabel(text) {
			short++
		}
	}
	if len(papers) > 0 && float64(short) >= exactShare*float64(len(papers)) {
		return MetricExact
	}
	return MetricSimilarity
}
