// Package hugot turns texts into sentence vectors with all-MiniLM-L6-v2 and is
// the only importer of github.com/knights-analytics/hugot. The default build
// runs the model in pure Go; built with -tags ORT it runs on ONNX Runtime. Both
// give the vectors of sentence-transformers.
package hugot

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/knights-analytics/hugot"
	"github.com/knights-analytics/hugot/backends"
	"github.com/knights-analytics/hugot/pipelines"
)

// ModelName is the model that this package speaks.
const ModelName = "all-MiniLM-L6-v2"

const dimensions = 384

// cacheSize is how many vectors are kept: 30 MB.
const cacheSize = 20_000

// Options says what to open.
type Options struct {
	// Dir holds model.onnx, tokenizer.json and config.json as export.py writes them.
	Dir string
	// LibraryDir holds libonnxruntime.so; only builds with -tags ORT read it,
	// and only they need it.
	LibraryDir string
}

// Model is the loaded model. It is safe for concurrent use.
type Model struct {
	session   *hugot.Session
	pipeline  *pipelines.FeatureExtractionPipeline
	cache     *lru.Cache[[sha256.Size]byte, []float32]
	slots     chan struct{} // one for each batch that may run at once
	separator uint32        // the word piece that ends a text
}

// Open loads the model and tries it on a text; that takes a second or so and
// about 400 MB. The caller ends it with Close.
func Open(ctx context.Context, o Options) (*Model, error) {
	for _, name := range []string{"model.onnx", "tokenizer.json", "config.json"} {
		if _, err := os.Stat(filepath.Join(o.Dir, name)); err != nil {
			return nil, fmt.Errorf("the model folder lacks %s (evaluator/export/export.py writes it): %w", name, err)
		}
	}
	// The session outlives the call.
	session, err := openSession(context.WithoutCancel(ctx), o)
	if err != nil {
		return nil, fmt.Errorf("open the %s backend: %w", Backend, err)
	}
	m := &Model{session: session, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
	if err := m.load(o.Dir); err != nil {
		return nil, errors.Join(fmt.Errorf("load %s: %w", o.Dir, err), session.Destroy())
	}
	return m, nil
}

func (m *Model) load(dir string) (err error) {
	if m.cache, err = lru.New[[sha256.Size]byte, []float32](cacheSize); err != nil {
		return err
	}
	m.pipeline, err = hugot.NewPipeline(m.session, hugot.FeatureExtractionConfig{
		ModelPath: dir, OnnxFilename: "model.onnx", Name: "embed"})
	if err != nil {
		return err
	}
	out := m.pipeline.Output
	if len(out.Dimensions) != 2 || out.Dimensions[1] != dimensions {
		return fmt.Errorf("model.onnx answers %q of shape %s, not one vector of %d a text; write it with evaluator/export/export.py",
			out.Name, out.Dimensions, dimensions)
	}
	empty := m.tokenize("")
	if len(empty.TokenIDs) != 2 {
		return fmt.Errorf("tokenizer.json makes %d word pieces of an empty text, not 2; write it with evaluator/export/export.py", len(empty.TokenIDs))
	}
	m.separator = empty.TokenIDs[1]
	// The first run sets up what later ones share without a lock, so it must be over
	// before anyone may run two at once.
	_, err = m.Embed(context.Background(), []string{"The quick brown fox jumps over the lazy dog."})
	return err
}

// Dimensions is the length of each vector.
func (m *Model) Dimensions() int { return dimensions }

// tokenize returns text's word pieces, at most maxPieces of them.
func (m *Model) tokenize(text string) backends.TokenizedInput {
	batch := backends.NewBatch(1)
	backends.TokenizeInputs(batch, m.pipeline.Model.Tokenizer, []string{text})
	in := batch.Input[0]
	n := len(in.TokenIDs)
	ids := in.TokenIDs[:min(n, maxPieces)]
	if n > maxPieces {
		ids[maxPieces-1] = m.separator
	}
	return backends.TokenizedInput{TokenIDs: ids, AttentionMask: in.AttentionMask[:len(ids)], MaxAttentionIndex: len(ids) - 1}
}

// Close waits for what runs and frees the model.
func (m *Model) Close() error {
	for range cap(m.slots) {
		m.slots <- struct{}{}
	}
	return m.session.Destroy()
}
