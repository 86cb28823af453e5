//go:build !ORT

package hugot

import (
	"context"
	"fmt"

	gomlx "github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/simplego"
	"github.com/gomlx/gomlx/backends/simplego/packgemm"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/knights-analytics/hugot"
	"github.com/knights-analytics/hugot/backends"
	"github.com/knights-analytics/hugot/options"

	"understudy.dev/evaluator/internal/gemm"
)

// Backend says what runs the model in this build.
const Backend = "pure Go"

// One program is compiled for each pair of these and kept, 8 MB at most each.
var (
	batchSizes      = []int{1, 2, 4, 8}
	sequenceLengths = []int{8, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256}
)

// batchSize returns how many of n waiting texts to run next: a size from the
// list, so that none of a batch is padding. Two such batches in parallel are
// faster here than one larger one.
func batchSize(n int) int {
	for i := len(batchSizes) - 1; i > 0; i-- {
		if batchSizes[i] <= n {
			return batchSizes[i]
		}
	}
	return 1
}

func init() {
	if !gemm.Available() {
		return // the portable loops of the backend: right, but many times slower
	}
	replaceMatMul(packgemm.GEMM[float32, float32])
	gomlx.Register(simplego.BackendName, func(string) (gomlx.Backend, error) {
		// Whole batches run in parallel; inside one, hand-offs cost more than they gain.
		return simplego.New("packgemm,ops_sequential")
	})
}

// replaceMatMul puts our kernel where the backend looks for its float32 matrix
// product. The backend's worker pool is of an internal type, which only the
// inference from a function of the right type can name.
func replaceMatMul[P any](_ func(alpha, beta float32, a, b []float32, batch, m, n, k int, c []float32,
	_ packgemm.BufAllocFn[float32], _ packgemm.BufReleaseFn, _ P) error) {
	ours := func(alpha, beta float32, a, b []float32, batch, m, n, k int, c []float32,
		_ packgemm.BufAllocFn[float32], _ packgemm.BufReleaseFn, _ P) error {
		if alpha != 1 || beta != 0 {
			panic("the backend asked for a scaled matrix product, which it never does")
		}
		gemm.Multiply(c, a, b, batch, m, n, k)
		return nil
	}
	pair := packgemm.DTypePair{Input: dtypes.Float32, Output: dtypes.Float32}
	packgemm.DTypeToGEMM[pair] = append([]packgemm.GEMMRegistration{{
		Name: "understudy AVX2", DTypePair: pair, GEMMFn: ours, Priority: packgemm.PriorityDTypeSIMD + 1,
	}}, packgemm.DTypeToGEMM[pair]...)
}

func openSession(ctx context.Context, _ Options) (*hugot.Session, error) {
	return hugot.NewGoSession(ctx, options.WithGoMLXBatchBuckets(batchSizes), options.WithGoMLXSequenceBuckets(sequenceLengths))
}

// forward runs the model on a batch whose input tensors stand. It has no context:
// hugot returns at once when one ends, while the computation still reads the input.
func (m *Model) forward(batch *backends.PipelineBatch) ([][]float32, error) {
	if err := backends.RunSessionOnBatch(context.Background(), batch, m.pipeline.BasePipeline); err != nil {
		return nil, err
	}
	rows, ok := batch.OutputValues[m.pipeline.OutputIndex].([][]float32)
	if !ok || len(rows) != batch.Size {
		return nil, fmt.Errorf("it answered %T", batch.OutputValues[m.pipeline.OutputIndex])
	}
	return rows, nil
}
