package main

import (
	"io"
	"testing"

	"understudy.dev/backend/internal/config"
	"understudy.dev/backend/internal/database/pgtest"
)

func TestAPlatformThatNeverCameUpHasNoTrainings(t *testing.T) {
	a := &app{out: io.Discard}
	if err := a.endTrainings(t.Context(), config.Config{DatabaseURL: pgtest.URL(t)}); err != nil {
		t.Error(err)
	}
}
