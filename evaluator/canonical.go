package evaluator

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Canonical returns the canonical form of a JSON object or array: keys sorted,
// no white space, numbers by value, so that two texts that mean the same are the
// same string. ok is false for everything else: other text, a bare number or
// string, more than one value, and objects that name a key twice, since readers
// disagree on what those mean.
func Canonical(s string) (canonical string, ok bool) {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "[") || !utf8.ValidString(s) || !json.Valid([]byte(s)) {
		return "", false
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	v, err := value(dec, 0)
	if err != nil {
		return "", false
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out) // sorts the keys of maps
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", false
	}
	return strings.TrimSuffix(out.String(), "\n"), true
}

const maxDepth = 1000

var errNotCanonical = errors.New("not a JSON value with one meaning")

// value reads one value from dec token by token, to see keys named twice.
func value(dec *json.Decoder, depth int) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, errNotCanonical
	}
	switch t := tok.(type) {
	case json.Number:
		return number(t)
	case json.Delim:
		if t == '{' {
			return object(dec, depth)
		}
		list := []any{}
		for dec.More() {
			v, err := value(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	}
	return tok, nil
}

func object(dec *json.Decoder, depth int) (any, error) {
	members := map[string]any{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key := tok.(string)
		if _, twice := members[key]; twice {
			return nil, errNotCanonical
		}
		if members[key], err = value(dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return members, err
}

// number writes a JSON number as its digits without zeros at either end and a
// power of ten, so that 100, 1e2 and 100.0 are the same. It never expands an
// exponent: 1e999999999 costs nothing.
func number(n json.Number) (json.Number, error) {
	s, exponent := string(n), 0
	if mantissa, power, ok := strings.Cut(strings.ToLower(s), "e"); ok {
		e, err := strconv.Atoi(power)
		if err != nil || e > 1<<40 || e < -1<<40 {
			return "", errNotCanonical
		}
		s, exponent = mantissa, e
	}
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	short := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(short)
	switch {
	case short == "":
		return "0", nil
	case negative:
		short = "-" + short
	}
	return json.Number(short + "e" + strconv.Itoa(exponent)), nil
}
