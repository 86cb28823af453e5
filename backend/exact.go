package understudy

import (
	"encoding/json"
	"strconv"
	"strings"
)

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
		if _, isJSON := parseRecord(text); isJSON || len(strings.Fields(text)) <= labelWords {
			short++
		}
	}
	if len(papers) > 0 && float64(short) >= exactShare*float64(len(papers)) {
		return MetricExact
	}
	return MetricSimilarity
}

// SameAnswer reports whether two canonical answers say the same by the rule of
// ci/contract/evaluator.json: JSON (an object or an array) by value, any other
// text with white space and case folded. The evaluator scores answers; this
// twin of its rule is for the yardsticks, which need no embeddings.
func SameAnswer(expected, actual string) bool {
	if want, ok := parseRecord(expected); ok {
		got, ok := parseRecord(actual)
		return ok && string(want) == string(got)
	}
	return strings.EqualFold(fold(expected), fold(actual))
}

// parseRecord returns a JSON object or array in canonical form, false for
// anything else.
func parseRecord(text string) ([]byte, bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return nil, false
	}
	b, err := json.Marshal(byValue(v)) // sorts keys
	return b, err == nil
}

// byValue replaces numbers by one spelling of their value.
func byValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = byValue(v[k])
		}
	case []any:
		for i := range v {
			v[i] = byValue(v[i])
		}
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return json.Number(strconv.FormatInt(i, 10))
		}
		if f, err := v.Float64(); err == nil {
			if i := int64(f); f == float64(i) && i > -1<<53 && i < 1<<53 {
				return json.Number(strconv.FormatInt(i, 10))
			}
			return f
		}
	}
	return v
}
