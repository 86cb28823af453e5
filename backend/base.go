package understudy

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Base is a small model that can be fine-tuned and served.
type Base struct {
	Name          string    `json:"name"`
	Architecture  string    `json:"architecture"` // as in GGUF's general.architecture
	Licence       string    `json:"licence"`
	ContextLength int       `json:"contextLength"` // tokens that we serve it with
	Tools         bool      `json:"tools"`         // the agent can train it on requests with tools: none so far
	Train         BaseTrain `json:"train"`
	Serve         BaseFile  `json:"serve"`
	// Tested says that it was trained and served here; the others are filled in
	// from public facts.
	Tested     bool  `json:"tested"`
	Parameters int64 `json:"parameters"`
	// TargetModules are the linear layers that LoRA may adapt.
	TargetModules []string `json:"targetModules"`
}

// Verified reports whether the files that we know by address are also known by
// content. Weights that cannot be checked are neither trained on nor served.
func (b Base) Verified() bool {
	return b.Serve.SHA256 != "" && (b.Train.GGUF == nil || b.Train.GGUF.SHA256 != "")
}

// BaseTrain is where the training agent takes the base from: one of the two.
type BaseTrain struct {
	GGUF *BaseFile `json:"gguf,omitempty"`
	HF   string    `json:"hf,omitempty"` // repository@revision
}

// BaseFile is a GGUF file, found by name in the models directory, else by URL.
type BaseFile struct {
	File   string `json:"file"`
	URL    string `json:"url"`
	SHA256 string `json:"sha256"`
}

// DefaultBase is the base of an endpoint that names none.
const DefaultBase = "SmolLM2-135M-Instruct"

//go:embed catalogue.json
var catalogueJSON []byte

var built = sync.OnceValue(func() []Base {
	var bases []Base
	if err := json.Unmarshal(catalogueJSON, &bases); err != nil {
		panic("catalogue.json: " + err.Error())
	}
	return bases
})

var operators atomic.Pointer[[]Base]

// Catalogue returns every base SLM there is, smallest first, with those of
// UseBases in their place.
func Catalogue() []Base {
	bases := slices.Clone(built())
	own := operators.Load()
	if own == nil {
		return bases
	}
	for _, b := range *own {
		if i := slices.IndexFunc(bases, func(have Base) bool { return have.Name == b.Name }); i >= 0 {
			bases[i] = b
		} else {
			bases = append(bases, b)
		}
	}
	slices.SortStableFunc(bases, func(a, b Base) int { return cmp.Compare(a.Parameters, b.Parameters) })
	return bases
}

// UseBases takes an operator's own bases, which go before the built-in ones of
// the same name: bases of theirs, and the sha256 of those that we could not
// check.
func UseBases(own []Base) { operators.Store(&own) }

// ReadBases reads a list of bases as catalogue.json writes it.
func ReadBases(data []byte) ([]Base, error) {
	var bases []Base
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&bases); err != nil {
		return nil, Errorf(Invalid, "the bases are not a JSON list as in backend/catalogue.json: %v", err)
	}
	for i, b := range bases {
		switch {
		case b.Name == "" || b.Architecture == "" || b.ContextLength <= 0 || b.Serve.File == "":
			return nil, Errorf(Invalid, "base %d (%q) lacks a name, architecture, contextLength or serve.file", i+1, b.Name)
		case b.Train.GGUF == nil && b.Train.HF == "":
			return nil, Errorf(Invalid, "base %s says nowhere to train from: give train.gguf or train.hf", b.Name)
		case !b.Verified():
			return nil, Errorf(Invalid, "base %s: give the sha256 of its files", b.Name)
		}
	}
	return bases, nil
}

// FindBase returns a base by name, or an Invalid error that names them all.
func FindBase(name string) (Base, error) {
	var names []string
	for _, b := range Catalogue() {
		if b.Name == name {
			return b, nil
		}
		names = append(names, b.Name)
	}
	return Base{}, Errorf(Invalid, "base %q is not in the catalogue; there are: %s", name, strings.Join(names, ", "))
}
