package understudy

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestTheFingerprintInForce(t *testing.T) {
	for _, c := range []struct {
		name   string
		chosen FingerprintMode
		varies bool
		want   FingerprintMode
	}{
		{"auto is full at first", FingerprintAuto, false, FingerprintFull},
		{"auto is tools where prompts vary", FingerprintAuto, true, FingerprintTools},
		{"full is respected although prompts vary", FingerprintFull, true, FingerprintFull},
		{"tools is respected", FingerprintTools, false, FingerprintTools},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Endpoint{Fingerprint: c.chosen, PromptVaries: c.varies}).TaskMode(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	e := Endpoint{Fingerprint: FingerprintAuto, PromptVaries: true}
	if e.ChooseFingerprint(FingerprintAuto); e.TaskMode() != FingerprintFull {
		t.Error("auto chosen again is not judged anew")
	}
}

func TestWhenMostPromptsAreTheirOwn(t *testing.T) {
	// tasks spreads n conversations evenly over so many prompts.
	tasks := func(n, prompts int) []string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprint(i%prompts))
		}
		return out
	}
	for _, c := range []struct {
		name string
		seen []string
		want bool
	}{
		{"none", nil, false},
		{"one prompt", tasks(500, 1), false},
		{"thirty steady prompts", tasks(500, 30), false},
		{"a dozen steady prompts in the first conversations", tasks(60, 12), false},
		{"each its own", tasks(500, 500), true},
		{"a hundred users by name", tasks(500, 100), true},
		{"each its own, but too few to tell", tasks(49, 49), false},
		{"each its own, just enough to tell", tasks(50, 50), true},
		{"half of them their own", append(tasks(100, 100), tasks(100, 1)...), false},
		{"a few more than half", append(tasks(110, 110), tasks(90, 1)...), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if v := VarietyOf(c.seen); v.Most() != c.want {
				t.Errorf("%+v: %v, want %v", v, v.Most(), c.want)
			}
		})
	}
}

func TestAStoredRequestIsFingerprintedAnew(t *testing.T) {
	var c Chat
	if err := json.Unmarshal([]byte(`{"messages":[{"role":"system","content":"Help Ann."},{"role":"user","content":"Hi"}],"response_format":{"type":"json_object"}}`), &c); err != nil {
		t.Fatal(err)
	}
	full, tools, named := c.TaskFingerprint(FingerprintFull, ""), c.TaskFingerprint(FingerprintTools, ""), c.TaskFingerprint(FingerprintFull, "triage")
	if full == tools {
		t.Fatal("the modes do not differ")
	}
	for _, x := range []struct {
		stored string
		mode   FingerprintMode
		want   string
	}{
		{full, FingerprintFull, full}, {full, FingerprintTools, tools},
		{tools, FingerprintFull, full}, {tools, FingerprintTools, tools},
		{named, FingerprintFull, named}, {named, FingerprintTools, named},
	} {
		if got := c.Refingerprint(x.stored, x.mode); got != x.want {
			t.Errorf("%s in %s: got %s, want %s", x.stored, x.mode, got, x.want)
		}
	}
}
