package config

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"

	understudy "understudy.dev/backend"
	"understudy.dev/service/env"
)

// upstreamEntry is an upstream as its file writes it. The key itself never
// stands in the file: keyEnv or keyFile says where it is.
type upstreamEntry struct {
	Name            string                      `json:"name"`
	Kind            understudy.UpstreamKind     `json:"kind"`
	BaseURL         string                      `json:"baseURL"`
	KeyEnv          string                      `json:"keyEnv"`
	KeyFile         string                      `json:"keyFile"`
	NoStreamOptions bool                        `json:"noStreamOptions"`
	Default         bool                        `json:"default"`
	Prices          map[string]understudy.Price `json:"prices"`
}

// readUpstreams takes UNDERSTUDY_UPSTREAMS_FILE, and OPENAI_API_KEY (with
// OPENAI_BASE_URL) as the upstream "openai" where the file names none so.
func readUpstreams(r *env.Reader, prices PriceList) []understudy.Upstream {
	var out []understudy.Upstream
	if path := r.String("UNDERSTUDY_UPSTREAMS_FILE", ""); path != "" {
		out = readUpstreamsFile(r, path, prices)
	}
	if key := r.Secret("OPENAI_API_KEY"); key != "" && !named(out, "openai") {
		out = append(out, understudy.Upstream{
			Name: "openai", Kind: understudy.UpstreamOpenAI, Key: key.Reveal(), Prices: prices.Prices,
			BaseURL: r.URL("OPENAI_BASE_URL", "https://api.openai.com/v1"), Default: !hasDefault(out),
		})
	}
	// The supervisor's replay teacher, see internal/play: its costs are those of
	// a small hosted LLM at list price.
	if url := r.URL("UNDERSTUDY_REPLAY_URL", ""); url != "" && !named(out, ReplayUpstream) {
		out = append(out, understudy.Upstream{
			Name: ReplayUpstream, Kind: understudy.UpstreamOpenAI, BaseURL: url + "/v1", Default: !hasDefault(out),
			Prices: map[string]understudy.Price{ReplayModel: prices.Prices[ReplayPricedAs]},
		})
	}
	return out
}

// The replay teacher as an upstream.
const (
	ReplayUpstream = "replay"
	ReplayModel    = "replay-teacher"
	ReplayPricedAs = "gpt-4o-mini"
)

func readUpstreamsFile(r *env.Reader, path string, prices PriceList) []understudy.Upstream {
	const name = "UNDERSTUDY_UPSTREAMS_FILE"
	b, err := os.ReadFile(path)
	if err != nil {
		r.Fail(name, "%v", err)
		return nil
	}
	var file struct {
		Upstreams []upstreamEntry `json:"upstreams"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		r.Fail(name, "%s: %v", path, err)
		return nil
	}
	var out []understudy.Upstream
	for i, e := range file.Upstreams {
		switch {
		case e.Name == "" || named(out, e.Name):
			r.Fail(name, "%s: upstream %d has no name of its own", path, i+1)
			continue
		case e.Kind != understudy.UpstreamOpenAI && e.Kind != "":
			r.Fail(name, "%s: upstream %s: kind %q: only openai is supported so far", path, e.Name, e.Kind)
			continue
		case !strings.HasPrefix(e.BaseURL, "http://") && !strings.HasPrefix(e.BaseURL, "https://"):
			r.Fail(name, "%s: upstream %s: baseURL %q is not an http or https URL", path, e.Name, e.BaseURL)
			continue
		case e.Default && hasDefault(out):
			r.Fail(name, "%s: upstream %s: there is another default already", path, e.Name)
			continue
		}
		u := understudy.Upstream{
			Name: e.Name, Kind: understudy.UpstreamOpenAI, BaseURL: strings.TrimRight(e.BaseURL, "/"),
			NoStreamOptions: e.NoStreamOptions, Default: e.Default, Prices: over(prices.Prices, e.Prices),
		}
		switch {
		case e.KeyEnv != "":
			u.Key = r.Secret(e.KeyEnv).Reveal()
			if u.Key == "" {
				r.Fail(e.KeyEnv, "is not set; upstream %s takes its key from it", e.Name)
			}
		case e.KeyFile != "":
			key, err := os.ReadFile(e.KeyFile)
			if err != nil {
				r.Fail(name, "%s: upstream %s: %v", path, e.Name, err)
			}
			u.Key = strings.TrimSpace(string(key))
		}
		out = append(out, u)
	}
	return out
}

func named(list []understudy.Upstream, name string) bool {
	for _, u := range list {
		if u.Name == name {
			return true
		}
	}
	return false
}

func hasDefault(list []understudy.Upstream) bool {
	for _, u := range list {
		if u.Default {
			return true
		}
	}
	return false
}
