package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func lookup(vars map[string]string) func(string) (string, bool) {
	return func(k string) (string, bool) { v, ok := vars[k]; return v, ok }
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "upstreams.json")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAKeyAloneMakesOpenAITheDefaultUpstream(t *testing.T) {
	c, err := Read(lookup(map[string]string{"OPENAI_API_KEY": "sk-secret", "UNDERSTUDY_DATA_DIR": "/d"}))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Upstreams) != 1 || !c.Upstreams[0].Default || c.Upstreams[0].BaseURL != "https://api.openai.com/v1" {
		t.Errorf("%+v", c.Upstreams)
	}
	if c.DefaultThreshold != 0.85 || c.MaxDeployments != 10 || c.EvaluationBatchSize != 100 || c.DatabaseURL != "sqlite:/d/understudy.db" {
		t.Errorf("defaults: %+v", c)
	}
	for _, row := range c.Show() {
		if strings.Contains(row[1], "sk-secret") {
			t.Errorf("%s shows the key", row[0])
		}
	}
}

func TestMistakesInTheUpstreamsFileAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"a typo":        {`{"upstreams":[{"nam":"a"}]}`, `unknown field "nam"`},
		"no URL":        {`{"upstreams":[{"name":"a","baseURL":"a"}]}`, "baseURL"},
		"two defaults":  {`{"upstreams":[{"name":"a","baseURL":"http://a","default":true},{"name":"b","baseURL":"http://b","default":true}]}`, "another default"},
		"a missing key": {`{"upstreams":[{"name":"a","baseURL":"http://a","keyEnv":"A_KEY"}]}`, "A_KEY"},
		"anthropic":     {`{"upstreams":[{"name":"a","kind":"anthropic","baseURL":"http://a"}]}`, "only openai"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(lookup(map[string]string{"UNDERSTUDY_UPSTREAMS_FILE": write(t, c.file), "MAX_DEPLOYMENTS": "none"}))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "MAX_DEPLOYMENTS") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestPricesOfOnesOwnGoBeforeTheBundledOnes(t *testing.T) {
	list := write(t, `{"source":"a contract","date":"2026-11","unit":"US dollars per million tokens","prices":{"gpt-4o-mini":{"input":0.1,"output":0.4},"mine":{"input":1,"output":2}}}`)
	upstreams := write(t, `{"upstreams":[{"name":"a","baseURL":"http://a","prices":{"mine":{"input":3,"output":4}}},{"name":"b","baseURL":"http://b"}]}`)
	c, err := Read(lookup(map[string]string{"UNDERSTUDY_PRICES_FILE": list, "UNDERSTUDY_UPSTREAMS_FILE": upstreams}))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct{ a, b float64 }{
		"gpt-4o":      {2.5, 2.5}, // bundled
		"gpt-4o-mini": {0.1, 0.1}, // the file's
		"mine":        {3, 1},     // the upstream's
	} {
		if a, b, of := c.Upstreams[0].Prices[name].Input, c.Upstreams[1].Prices[name].Input, c.Prices.Prices[name].Input; a != want.a || b != want.b || of != want.b {
			t.Errorf("%s: %g, %g and %g in the list, want %g, %g and %g", name, a, b, of, want.a, want.b, want.b)
		}
	}
	if bundled := Prices(); !strings.Contains(c.Prices.Source, "a contract, 2026-11") || !strings.Contains(c.Prices.Source, bundled.Source) || c.Prices.Date != bundled.Date {
		t.Errorf("the sources are told as %q, %q", c.Prices.Source, c.Prices.Date)
	}
	other := write(t, `{"source":"a contract","date":"2026-11","unit":"euros","prices":{}}`)
	if _, err := Read(lookup(map[string]string{"UNDERSTUDY_PRICES_FILE": other})); err == nil || !strings.Contains(err.Error(), "euros") {
		t.Errorf("another unit: %v", err)
	}
}

func TestPasswordsInURLsAreHidden(t *testing.T) {
	c, err := Read(lookup(map[string]string{"DATABASE_URL": "postgres://u:pass@h/db"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range c.Show() {
		if strings.Contains(row[1], "pass") && row[0] == "DATABASE_URL" {
			t.Error(row)
		}
	}
}
