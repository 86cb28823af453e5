//go:build ORT

package hugot

import (
	"context"
	"errors"
	"slices"

	"github.com/knights-analytics/hugot"
	"github.com/knights-analytics/hugot/backends"
	"github.com/knights-analytics/hugot/options"
	ort "github.com/yalue/onnxruntime_go"
)

// Backend says what runs the model in this build.
const Backend = "ONNX Runtime"

const largestBatch = 32

// batchSize returns how many of n waiting texts to run next.
func batchSize(n int) int { return min(n, largestBatch) }

// openSession makes batches run on one thread each, several at once. A process
// has one ONNX Runtime session at a time.
func openSession(ctx context.Context, o Options) (*hugot.Session, error) {
	wanted := []options.WithOption{options.WithInterOpNumThreads(1), options.WithIntraOpNumThreads(1)}
	if o.LibraryDir != "" {
		wanted = append(wanted, options.WithOnnxLibraryPath(o.LibraryDir))
	}
	return hugot.NewORTSession(ctx, wanted...)
}

// forward runs the model on a batch whose input tensors stand. hugot's own way
// would leave each output tensor to nobody, so that native memory grows for ever.
func (m *Model) forward(batch *backends.PipelineBatch) (rows [][]float32, err error) {
	out, err := ort.NewEmptyTensor[float32](ort.NewShape(int64(batch.Size), dimensions))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, out.Destroy()) }()
	if err := m.pipeline.Model.ORTModel.Session.Run(batch.InputValues.([]ort.Value), []ort.Value{out}); err != nil {
		return nil, err
	}
	for row := range slices.Chunk(out.GetData(), dimensions) {
		rows = append(rows, slices.Clone(row))
	}
	return rows, nil
}
