//go:build ORT

package hugot

import (
	"context"

	"github.com/knights-analytics/hugot"
	"github.com/knights-analytics/hugot/options"
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
