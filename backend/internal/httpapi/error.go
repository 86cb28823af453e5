package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	understudy "understudy.dev/backend"
	"understudy.dev/service/serve"
)

// statuses is the one place where a code becomes a status.
var statuses = map[understudy.Code]int{
	understudy.Invalid:      http.StatusUnprocessableEntity,
	understudy.Unauthorized: http.StatusUnauthorized,
	understudy.NotFound:     http.StatusNotFound,
	understudy.Conflict:     http.StatusConflict,
	understudy.TooLarge:     http.StatusRequestEntityTooLarge,
	understudy.Unavailable:  http.StatusServiceUnavailable,
}

// explain returns what a client may know of an error. The rest is logged here.
func explain(ctx context.Context, err error) (status int, detail string) {
	var e *understudy.Error
	if errors.As(err, &e) && statuses[e.Code] != 0 {
		if e.Code == understudy.Unavailable {
			slog.WarnContext(ctx, "a request could not be answered now", "error", err)
		}
		if errors.Is(err, understudy.ErrStale) {
			return http.StatusConflict, "It has changed meanwhile; look again and repeat."
		}
		return statuses[e.Code], e.Message
	}
	if ctx.Err() != nil {
		return 499, "The client has left."
	}
	slog.ErrorContext(ctx, "a request failed", "error", err)
	return http.StatusInternalServerError, "Something went wrong here; the backend's log says what."
}

func problem(ctx context.Context, err error) error {
	var ready huma.StatusError
	if errors.As(err, &ready) {
		return err
	}
	status, detail := explain(ctx, err)
	return huma.NewError(status, detail)
}

// writeProblem is problem for handlers that write by themselves.
func writeProblem(ctx context.Context, w http.ResponseWriter, err error) {
	status, detail := explain(ctx, err)
	serve.Problem(w, status, detail)
}

// recovered answers 500 where a handler panics, and logs where.
func recovered(c huma.Context, next func(huma.Context)) {
	defer catch(c.Context(), humaWriter(c))
	next(c)
}

func recovery(c *gin.Context) {
	defer catch(c.Request.Context(), c.Writer)
	c.Next()
}

func catch(ctx context.Context, w http.ResponseWriter) {
	v := recover()
	switch {
	case v == nil:
	case v == http.ErrAbortHandler:
		panic(v)
	default:
		slog.ErrorContext(ctx, "a request panicked", "panic", v, "stack", string(debug.Stack()))
		serve.Problem(w, http.StatusInternalServerError, "Something went wrong here; the backend's log says what.")
	}
}
