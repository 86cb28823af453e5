package understudy

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// SameAnswer reports whether two answers say exactly the same: white space and
// letter case folded; where the expected one is a JSON object or array both
// in canonical form, keys sorted and numbers by value. The evaluator's "exact"
// follows the same rules.
func SameAnswer(expected, actual Answer) bool {
	a, b := expected.Canonical(), actual.Canonical()
	if ca, ok := canonicalJSON(a); ok {
		cb, ok := canonicalJSON(b)
		return ok && ca == cb
	}
	return strings.EqualFold(fold(a), fold(b))
}

func canonicalJSON(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if s == "" || s[0] != '{' && s[0] != '[' {
		return "", false
	}
	var v any
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if d.Decode(&v) != nil || d.More() {
		return "", false
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if e.Encode(byValue(v)) != nil {
		return "", false
	}
	return out.String(), true
}

// byValue makes 1, 1.0 and 1e0 the same number.
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
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return i
		}
		if f, err := v.Float64(); err == nil && f == float64(int64(f)) && f < 1<<53 && f > -(1<<53) {
			return int64(f)
		} else if err == nil {
			return f
		}
	}
	return v
}
