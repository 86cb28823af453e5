package understudy

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTheCatalogueIsWhole(t *testing.T) {
	var last int64
	for _, b := range Catalogue() {
		if b.Licence == "" || b.Architecture == "" || b.ContextLength <= 0 || b.Parameters <= 0 || len(b.TargetModules) == 0 {
			t.Errorf("%s lacks something: %+v", b.Name, b)
		}
		if (b.Train.GGUF == nil) == (b.Train.HF == "") || b.Serve.File == "" {
			t.Errorf("%s: train from one place, serve from a file: %+v", b.Name, b)
		}
		if b.Tested && !b.Verified() {
			t.Errorf("%s was tried, so its sha256 is known", b.Name)
		}
		if b.Parameters < last {
			t.Errorf("%s is out of order", b.Name)
		}
		last = b.Parameters
	}
	b, err := FindBase(DefaultBase)
	if err != nil || !b.Tested || b.Train.GGUF.URL == "" {
		t.Errorf("the default base is trained anywhere: %+v, %v", b, err)
	}
}

func TestABaseThatCannotBeCheckedIsRefused(t *testing.T) {
	e := NewEndpoint("shop", "openai", "gpt-4o-mini", 0.85)
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	e.Base = "Qwen3-0.6B"
	if err := e.Validate(); CodeOf(err) != Invalid || !strings.Contains(err.Error(), "UNDERSTUDY_BASES_FILE") {
		t.Fatalf("validated: %v", err)
	}
	found, _ := FindBase(e.Base)
	found.Serve.SHA256 = strings.Repeat("a", 64)
	raw, _ := json.Marshal([]Base{found})
	own, err := ReadBases(raw)
	if err != nil {
		t.Fatal(err)
	}
	UseBases(own)
	defer UseBases(nil)
	if err := e.Validate(); err != nil {
		t.Errorf("with its sha256: %v", err)
	}
	if len(Catalogue()) != len(built()) {
		t.Error("a base that was there already came twice")
	}
}

func TestBasesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ list, says string }{
		"no list":       {`{}`, "JSON list"},
		"unknown field": {`[{"nam": "x"}]`, "JSON list"},
		"nothing in it": {`[{}]`, "lacks a name"},
		"no training":   {`[{"name":"x","architecture":"llama","contextLength":9,"serve":{"file":"x"}}]`, "train.gguf or train.hf"},
		"no sha256":     {`[{"name":"x","architecture":"llama","contextLength":9,"train":{"hf":"a/b"},"serve":{"file":"x"}}]`, "sha256"},
	} {
		if _, err := ReadBases([]byte(c.list)); CodeOf(err) != Invalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
