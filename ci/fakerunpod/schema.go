package fakerunpod

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"understudy.dev/ci/contract"
)

// fact is what RunPod's document says of a value.
type fact struct {
	Type      string          `json:"type"`
	Required  bool            `json:"required"`
	Nullable  bool            `json:"nullable"`
	Enum      []string        `json:"enum"`
	Minimum   *float64        `json:"minimum"`
	MaxItems  *int            `json:"maxItems"`
	MinLength int             `json:"minLength"`
	Schema    string          `json:"schema"`
	Items     *fact           `json:"items"`
	Values    string          `json:"values"` // type of an object's values, where its keys are free
	Fields    map[string]fact `json:"fields"`
}

type schema struct {
	Closed bool            `json:"closed"`
	Fields map[string]fact `json:"fields"`
}

type facts struct {
	Actions  map[string][]string `json:"actions"`
	Capacity []string            `json:"capacityDetails"`
	Schemas  map[string]schema   `json:"schemas"`
}

var known = func() facts {
	var f facts
	if err := json.Unmarshal(contract.RunPod, &f); err != nil {
		panic(err)
	}
	return f
}()

// Violations lists how a JSON value breaks a schema of the contract.
func Violations(name string, value any) []string {
	s := known.Schemas[name]
	return object("$", s.Fields, s.Closed, value)
}

func object(at string, fields map[string]fact, closed bool, value any) []string {
	m, ok := value.(map[string]any)
	if !ok {
		return []string{at + ": must be an object"}
	}
	var bad []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		f, ok := fields[key]
		switch {
		case !ok && closed:
			bad = append(bad, fmt.Sprintf("%s: additional properties '%s' not allowed", at, key))
		case ok:
			bad = append(bad, value1(at+"."+key, f, m[key])...)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if _, there := m[key]; fields[key].Required && !there {
			bad = append(bad, fmt.Sprintf("%s: missing property '%s'", at, key))
		}
	}
	return bad
}

func value1(at string, f fact, v any) []string {
	wrong := func(format string, args ...any) []string { return []string{at + ": " + fmt.Sprintf(format, args...)} }
	if v == nil {
		if f.Nullable {
			return nil
		}
		return wrong("must not be null")
	}
	switch f.Type {
	case "string":
		s, ok := v.(string)
		switch {
		case !ok:
			return wrong("must be a string")
		case len(s) < f.MinLength:
			return wrong("is shorter than %d", f.MinLength)
		case f.Enum != nil && !slices.Contains(f.Enum, s):
			return wrong("must be one of %v", f.Enum)
		}
	case "integer", "number":
		n, ok := v.(float64)
		switch {
		case !ok || f.Type == "integer" && n != math.Trunc(n):
			return wrong("must be of type %s", f.Type)
		case f.Minimum != nil && n < *f.Minimum:
			return wrong("must be at least %g", *f.Minimum)
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return wrong("must be a boolean")
		}
	case "array":
		list, ok := v.([]any)
		if !ok {
			return wrong("must be an array")
		}
		if f.MaxItems != nil && len(list) > *f.MaxItems {
			return wrong("has more than %d items", *f.MaxItems)
		}
		var bad []string
		for i, item := range list {
			bad = append(bad, value1(fmt.Sprintf("%s[%d]", at, i), *f.Items, item)...)
		}
		return bad
	case "object":
		return inner(at, f, v)
	}
	return nil
}

func inner(at string, f fact, v any) []string {
	if f.Schema != "" {
		s := known.Schemas[f.Schema]
		return object(at, s.Fields, s.Closed, v)
	}
	if f.Values == "" {
		return object(at, f.Fields, false, v)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return []string{at + ": must be an object"}
	}
	var bad []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		bad = append(bad, value1(at+"."+key, fact{Type: f.Values}, m[key])...)
	}
	return bad
}
