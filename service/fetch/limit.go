package fetch

import (
	"context"
	"io"

	"golang.org/x/time/rate"
)

// NewLimit returns a limit of so many bytes a second, nil for none.
func NewLimit(bytesPerSecond int) *rate.Limiter {
	if bytesPerSecond <= 0 {
		return nil
	}
	// A read of more than a tenth of a second's share would come in jerks.
	return rate.NewLimiter(rate.Limit(bytesPerSecond), max(bytesPerSecond/10, 1))
}

// limited reads no faster than its limit allows; the sender feels it as a
// receiver that is slow.
type limited struct {
	ctx   context.Context
	body  io.Reader
	limit *rate.Limiter
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.body.Read(p[:min(len(p), l.limit.Burst())])
	if n > 0 {
		if slow := l.limit.WaitN(l.ctx, n); slow != nil {
			return n, slow
		}
	}
	return n, err
}
