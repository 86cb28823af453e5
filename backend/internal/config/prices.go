package config

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"

	understudy "understudy.dev/backend"
	"understudy.dev/service/env"
)

// PriceList is a file of list prices with its source and date.
type PriceList struct {
	Source string                      `json:"source"`
	Date   string                      `json:"date"`
	Unit   string                      `json:"unit"`
	Prices map[string]understudy.Price `json:"prices"`
}

//go:embed prices.json
var pricesJSON []byte

// Prices returns the bundled price list.
func Prices() PriceList {
	l, err := parsePrices(pricesJSON)
	if err != nil {
		panic("prices.json: " + err.Error())
	}
	return l
}

// readPrices lays UNDERSTUDY_PRICES_FILE over the bundled list.
func readPrices(r *env.Reader) PriceList {
	const name = "UNDERSTUDY_PRICES_FILE"
	path := r.String(name, "")
	bundled := Prices()
	if path == "" {
		return bundled
	}
	raw, err := os.ReadFile(path)
	var l PriceList
	if err == nil {
		l, err = parsePrices(raw)
	}
	if err != nil {
		r.Fail(name, "%s: %v", path, err)
		return bundled
	}
	named := len(l.Prices)
	if l.Prices = over(bundled.Prices, l.Prices); len(l.Prices) > named {
		// Readers write source and date behind each other.
		l.Source, l.Date = fmt.Sprintf("%s, %s; other models: %s", l.Source, l.Date, bundled.Source), bundled.Date
	}
	return l
}

// over returns both; where both have a model, prices win.
func over(others, prices map[string]understudy.Price) map[string]understudy.Price {
	out := maps.Clone(others)
	maps.Copy(out, prices)
	return out
}

const pricesUnit = "US dollars per million tokens"

// parsePrices takes a list only with where it comes from: a sum of money is
// worth as much as its prices.
func parsePrices(raw []byte) (PriceList, error) {
	var l PriceList
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return l, err
	}
	switch {
	case l.Source == "" || l.Date == "":
		return l, fmt.Errorf("source and date are missing: say where the prices come from, and of when they are")
	case l.Unit != pricesUnit:
		return l, fmt.Errorf("unit %q: use %q", l.Unit, pricesUnit)
	}
	for model, p := range l.Prices {
		if p.Input < 0 || p.Output < 0 {
			return l, fmt.Errorf("%s: a price is negative", model)
		}
	}
	return l, nil
}
