package understudy

import (
	_ "embed"
	"encoding/json"
	"strings"
	"sync"
)

// Base is a small model that can be fine-tuned and served.
type Base struct {
	Name          string    `json:"name"`
	Architecture  string    `json:"architecture"` // as in GGUF's general.architecture
	Licence       string    `json:"licence"`
	ContextLength int       `json:"contextLength"` // tokens that we serve it with
	Tools         bool      `json:"tools"`         // its chat template renders tools
	Train         BaseTrain `json:"train"`
	Serve         BaseFile  `json:"serve"`
	Tested        bool      `json:"tested"`
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

// Catalogue returns every base SLM there is, smallest first.
var Catalogue = sync.OnceValue(func() []Base {
	var bases []Base
	if err := json.Unmarshal(catalogueJSON, &bases); err != nil {
		panic("catalogue.json: " + err.Error())
	}
	return bases
})

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
