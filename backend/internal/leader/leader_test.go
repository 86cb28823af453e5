package leader

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestTheOnlyReplicaLeadsAgainAndAgain(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	times := 0
	err := Alone{Pause: time.Nanosecond}.Run(ctx, func(context.Context) {
		if times++; times == 3 {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) || times != 3 {
		t.Errorf("led %d times, %v", times, err)
	}
}
