package charts

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	corev1 "k8s.io/api/core/v1"
)

func TestAMistakeInTheValuesIsToldWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		values string
		want   []string
	}{
		"a typo at the top":            {`{"backnd": {}}`, []string{"backnd"}},
		"a typo below":                 {`{"backend": {"replica": 3}}`, []string{"/backend", "replica"}},
		"a typo far below":             {`{"backend": {"resources": {"limits": {"cpus": 1}}}}`, []string{"/backend/resources/limits", "cpus"}},
		"a typo in a list":             {`{"upstreams": [{"name": "a", "baseURL": "http://a", "keyenv": "A"}]}`, []string{"/upstreams/0", "keyenv"}},
		"a number that is text":        {`{"backend": {"replicas": "two"}}`, []string{"/backend/replicas", "integer"}},
		"a threshold beyond 1":         {`{"config": {"similarityThreshold": 85}}`, []string{"/config/similarityThreshold", "maximum"}},
		"an unknown provider":          {`{"config": {"trainingProvider": "local"}}`, []string{"/config/trainingProvider", "runpod"}},
		"static without an agent":      {`{"config": {"trainingProvider": "static"}}`, []string{"/config/agentURL"}},
		"a cloud that is none":         {`{"training": {"runpod": {"cloud": "secure"}}}`, []string{"/training/runpod/cloud", "SECURE"}},
		"two GPUs as one":              {`{"training": {"runpod": {"gpus": ["L4,A40"]}}}`, []string{"/training/runpod/gpus/0"}},
		"no database at all":           {`{"postgres": {"enabled": false}}`, []string{"/postgres/external/existingSecret"}},
		"no Redis at all":              {`{"redis": {"enabled": false}}`, []string{"/redis/external"}},
		"a password in Redis's URL":    {`{"redis": {"enabled": false, "external": {"url": "redis://:secret@h"}}}`, []string{"/redis/external/url"}},
		"an upstream's key as a value": {`{"upstreams": [{"name": "a", "baseURL": "http://a", "keyEnv": "sk-123"}]}`, []string{"/upstreams/0/keyEnv"}},
		"prices from nowhere":          {`{"savings": {"prices": {"models": {}}}}`, []string{"/savings/prices", "source"}},
		"a price below nothing":        {`{"savings": {"prices": {"source": "a", "date": "b", "models": {"m": {"input": -1, "output": 1}}}}}`, []string{"/savings/prices/models/m/input"}},
		"a port out of range":          {`{"networkPolicy": {"llmPorts": [70000]}}`, []string{"/networkPolicy/llmPorts/0"}},
		"a patch that is in no list":   {`{"slm": {"patches": {"a.yaml": "target: {kind: Job}\npatch: x"}}}`, []string{"slm.patches", "a.yaml"}},
		"a patch with its text away":   {`{"slm": {"patches": {"b.yaml": "- path: b.json"}}}`, []string{"slm.patches", "b.yaml"}},
		"a patch that is no YAML":      {`{"slm": {"patches": {"c.yaml": "- {"}}}`, []string{"slm.patches", "c.yaml"}},
		"an Ingress without a host":    {`{"ingress": {"enabled": true, "frontendHost": "", "backendHost": ""}}`, []string{"/ingress"}},
	} {
		t.Run(name, func(t *testing.T) {
			var v map[string]any
			if err := json.Unmarshal([]byte(c.values), &v); err != nil {
				t.Fatal(err)
			}
			_, err := Render(platform, "understudy", namespace, v)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
		})
	}
}

// Every value is explained and in the schema, and the schema has no others.
func TestEveryValueIsDocumentedAndInTheSchema(t *testing.T) {
	text := readFile(t, platform+"/values.yaml")
	v, err := chartutil.ReadValues([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal([]byte(readFile(t, platform+"/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	definitions := schema["definitions"].(map[string]any)
	lines := strings.Split(text, "\n")
	documented := func(indent int, name string) bool {
		key := strings.Repeat("  ", indent) + name + ":"
		for i, line := range lines {
			if strings.HasPrefix(line, key) && (i == 0 || !regexp.MustCompile(`^\s*# -- \S`).MatchString(lines[i-1])) {
				return false
			}
		}
		return true
	}
	// Comments on a folder of values stand at its values.
	var walk func(path string, v, s map[string]any)
	walk = func(path string, v, s map[string]any) {
		properties, _ := s["properties"].(map[string]any)
		if s["additionalProperties"] != false {
			t.Errorf("the schema lets anything into %q", path)
		}
		for name := range properties {
			if _, ok := v[name]; !ok && path+name != "global" {
				t.Errorf("the schema knows %s%s, values.yaml does not", path, name)
			}
		}
		for name, value := range v {
			sub, ok := properties[name].(map[string]any)
			if !ok {
				t.Errorf("%s%s is not in the schema", path, name)
				continue
			}
			if to, ok := sub["$ref"].(string); ok {
				sub = definitions[strings.TrimPrefix(to, "#/definitions/")].(map[string]any)
			}
			if below, ok := value.(map[string]any); ok && sub["properties"] != nil {
				walk(path+name+".", below, sub)
			} else if !documented(strings.Count(path, "."), name) {
				t.Errorf("%s%s has no comment that begins with # --", path, name)
			}
		}
	}
	walk("", v, schema)
}

// What goes to every model's release must be what charts/slm takes.
func TestTheModelsValuesSuitTheModelsChart(t *testing.T) {
	everyMode(t, func(t *testing.T, mode string, list []object) {
		m, ok := find[*corev1.ConfigMap](list, "understudy-slm-values")
		if !ok {
			t.Fatal("there is no ConfigMap understudy-slm-values")
		}
		v, err := chartutil.ReadValues([]byte(m.Data["values.yaml"]))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Render(slm, "slm-triage-v1", namespace, chartutil.MergeTables(v, values(t, slm, "serve"))); err != nil {
			t.Error(err)
		}
	})
}

// What ct would hold against its schema of Chart.yaml.
func TestTheChartsSayWhatTheyAre(t *testing.T) {
	for _, dir := range []string{platform, slm} {
		c, err := loader.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		m := c.Metadata
		if err := m.Validate(); err != nil {
			t.Error(err)
		}
		if m.APIVersion != "v2" || m.Description == "" || m.Type != "application" || m.KubeVersion == "" || len(m.Maintainers) == 0 || m.Maintainers[0].Name == "" {
			t.Errorf("%s: %+v", dir, m)
		}
	}
}
