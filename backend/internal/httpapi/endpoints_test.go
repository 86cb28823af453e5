package httpapi

import (
	"strings"
	"testing"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func TestAnEndpointIsMadeChangedAndDeleted(t *testing.T) {
	b := start(t, func(c *Config) { c.DefaultThreshold = 0.9 })
	var e wire.Endpoint
	b.call("POST", "/endpoints", map[string]any{"name": "triage", "upstreamModel": "gpt-4o-mini", "scaleToZeroAfterSeconds": 1.5}, 201, &e)
	if e.Upstream != "openai" || e.Threshold != 0.9 || e.ScaleToZeroAfterSeconds != 1.5 || !e.AutoDeploy || e.SLMFirstTokenTimeoutSeconds != 2 {
		t.Fatalf("got %+v", e)
	}
	if !b.heard.of("triage") {
		t.Fatal("nobody was told")
	}
	b.call("PATCH", "/endpoints/triage", map[string]any{"threshold": 0.7, "autoTrain": false}, 200, &e)
	if e.Threshold != 0.7 || e.AutoTrain || e.ScaleToZeroAfterSeconds != 1.5 {
		t.Fatalf("a patch changed what it did not name, or not what it named: %+v", e)
	}
	var bypass wire.Bypass
	b.call("PUT", "/endpoints/triage/bypass", wire.Bypass{Bypass: true}, 200, &bypass)
	b.call("GET", "/endpoints/triage", nil, 200, &e)
	if !bypass.Bypass || !e.Bypass {
		t.Fatal("bypass is not on")
	}
	b.call("DELETE", "/endpoints/triage", nil, 202, nil)
	b.call("GET", "/endpoints/triage", nil, 404, nil)
	b.call("POST", "/endpoints", map[string]any{"name": "triage", "upstreamModel": "m"}, 409, nil)
}

func TestAMistakeInAnEndpointIsNamed(t *testing.T) {
	b := start(t)
	b.endpoint("taken")
	for _, c := range []struct {
		name   string
		body   any
		status int
		says   string
	}{
		{"no JSON", "{", 400, ""},
		{"no body", nil, 400, ""},
		{"a field that is not known", map[string]any{"name": "a", "upstreamModel": "m", "treshold": 1}, 422, "treshold"},
		{"a number that is a text", map[string]any{"name": "a", "upstreamModel": "m", "threshold": "high"}, 422, "threshold"},
		{"no name", map[string]any{"upstreamModel": "m"}, 422, "name"},
		{"a bad name", map[string]any{"name": "Über", "upstreamModel": "m"}, 422, "lower-case"},
		{"no model of the upstream", map[string]any{"name": "a"}, 422, "upstreamModel"},
		{"an upstream that is not configured", map[string]any{"name": "a", "upstream": "x", "upstreamModel": "m"}, 422, "there are: openai"},
		{"a threshold above 1", map[string]any{"name": "a", "upstreamModel": "m", "threshold": 1.5}, 422, "threshold"},
		{"an unknown base", map[string]any{"name": "a", "upstreamModel": "m", "base": "gpt-9"}, 422, understudy.DefaultBase},
		{"a name that is taken", map[string]any{"name": "taken", "upstreamModel": "m"}, 409, "taken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if said := b.call("POST", "/endpoints", c.body, c.status, nil); !strings.Contains(said, c.says) {
				t.Fatalf("%q is not in %s", c.says, said)
			}
		})
	}
	b.call("PATCH", "/endpoints/taken", map[string]any{"name": "other"}, 422, nil)
	b.call("PATCH", "/endpoints/taken", map[string]any{"threshold": -1}, 422, nil)
	b.call("PATCH", "/endpoints/none", map[string]any{"threshold": 0.5}, 404, nil)
}

func TestHowTasksAreToldApartIsShownAndAPersonsToChoose(t *testing.T) {
	b := start(t)
	var e wire.Endpoint
	b.call("POST", "/endpoints", map[string]any{"name": "triage", "upstreamModel": "m"}, 201, &e)
	if e.Fingerprint != "auto" || e.FingerprintInForce != "full" {
		t.Fatalf("got %s, %s", e.Fingerprint, e.FingerprintInForce)
	}
	if err := b.db.NotePromptVaries(t.Context(), 0, "triage", "They vary."); err != nil {
		t.Fatal(err)
	}
	var s wire.Status
	b.call("GET", "/endpoints/triage", nil, 200, &e)
	b.call("GET", "/status", nil, 200, &s)
	if e.Fingerprint != "auto" || e.FingerprintInForce != "tools" || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "triage") {
		t.Fatalf("got %s, %s, warnings %q", e.Fingerprint, e.FingerprintInForce, s.Warnings)
	}
	b.call("PATCH", "/endpoints/triage", map[string]any{"threshold": 0.7}, 200, &e)
	if e.FingerprintInForce != "tools" {
		t.Fatal("a patch of something else changed it")
	}
	for chosen, want := range map[string]string{"tools": "tools", "full": "full", "auto": "full"} {
		b.call("PATCH", "/endpoints/triage", map[string]any{"fingerprint": chosen}, 200, &e)
		b.call("GET", "/status", nil, 200, &s)
		if e.Fingerprint != chosen || e.FingerprintInForce != want || len(s.Warnings) != 0 {
			t.Errorf("%s chosen: got %s, %s, warnings %q", chosen, e.Fingerprint, e.FingerprintInForce, s.Warnings)
		}
	}
	b.call("PATCH", "/endpoints/triage", map[string]any{"fingerprint": "prompt"}, 422, nil)
}

func TestOneSwitchBypassesAll(t *testing.T) {
	b := start(t)
	var on wire.Bypass
	b.call("PUT", "/bypass", wire.Bypass{Bypass: true}, 200, &on)
	b.call("GET", "/bypass", nil, 200, &on)
	var s wire.Status
	b.call("GET", "/status", nil, 200, &s)
	if !on.Bypass || !s.Bypass || len(s.Warnings) != 1 {
		t.Fatalf("got %+v, %+v", on, s)
	}
}

func TestASwitchOutsideTheDatabaseIsNamedAndStaysOn(t *testing.T) {
	var outside []string
	b := start(t, func(c *Config) { c.Switches = func() []string { return outside } })
	outside = []string{"there is a file x; remove it"}
	for _, ask := range []string{"GET", "PUT"} {
		var on wire.Bypass
		b.call(ask, "/bypass", wire.Bypass{}, 200, &on)
		if !on.Bypass {
			t.Errorf("%s says that bypass is off", ask)
		}
	}
	var s wire.Status
	b.call("GET", "/status", nil, 200, &s)
	if w := strings.Join(s.Warnings, "\n"); !s.Bypass || !strings.Contains(w, "a file x; remove it") {
		t.Errorf("got %v, warnings %q", s.Bypass, w)
	}
	outside = nil
	var off wire.Bypass
	if b.call("PUT", "/bypass", wire.Bypass{}, 200, &off); off.Bypass {
		t.Error("bypass stays on without any switch")
	}
}

func TestUpstreamsShowNoSecret(t *testing.T) {
	b := start(t)
	var page wire.Page[wire.Upstream]
	said := b.call("GET", "/upstreams", nil, 200, &page)
	if strings.Contains(said, "sk-secret") || len(page.Items) != 1 || !page.Items[0].HasKey || !page.Items[0].Default {
		t.Fatalf("got %s", said)
	}
}

func TestAKeyIsShownOnce(t *testing.T) {
	b := start(t)
	b.endpoint("a")
	var k wire.Key
	b.call("POST", "/keys", wire.KeyInput{Name: "shop", DefaultEndpoint: "a"}, 201, &k)
	if !strings.HasPrefix(k.Secret, "uk-") || len(k.Secret) < 32 || k.Prefix != k.Secret[:8] {
		t.Fatalf("got %+v", k)
	}
	said := b.call("GET", "/keys", nil, 200, nil)
	if strings.Contains(said, k.Secret) || !strings.Contains(said, k.ID) {
		t.Fatalf("got %s", said)
	}
	s, err := b.db.Snapshot(t.Context())
	if err != nil || s.Keys[understudy.HashKey(k.Secret)].DefaultEndpoint != "a" {
		t.Fatalf("the gateway does not know the key: %v", err)
	}
	b.call("DELETE", "/keys/"+k.ID, nil, 204, nil)
	b.call("DELETE", "/keys/"+k.ID, nil, 404, nil)
	b.call("POST", "/keys", wire.KeyInput{}, 422, nil)
	b.call("POST", "/keys", wire.KeyInput{Name: "x", DefaultEndpoint: "none"}, 422, nil)
}
