package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func (a *API) eventRoutes() {
	op := a.operation(http.MethodGet, "/events", "events", "Status", "Follow what happens", 200)
	op.Description = "With Accept: application/json a page of the diary: newest first, those before an id; or with after oldest first. " +
		"Otherwise server-sent events. The id of an event is a cursor: after it, or the header Last-Event-ID, the stream goes on. " +
		"Without either it begins with what happens next; after=0 begins with the oldest event that is kept."
	op.Parameters = []*huma.Param{
		{Name: "after", In: "query", Description: "An event's id", Schema: &huma.Schema{Type: "integer"}},
		{Name: "before", In: "query", Description: "An event's id; cursor means the same. Pages only", Schema: &huma.Schema{Type: "integer"}},
		{Name: "cursor", In: "query", Description: "next of the page before", Schema: &huma.Schema{Type: "string"}},
		{Name: "limit", In: "query", Description: "Of a page, 1 to 500, default 100", Schema: &huma.Schema{Type: "integer"}},
		{Name: "endpoint", In: "query", Description: "Only of this endpoint", Schema: &huma.Schema{Type: "string"}},
		{Name: "modelId", In: "query", Description: "Only of this model", Schema: &huma.Schema{Type: "string"}},
		{Name: "kind", In: "query", Description: "Only of this kind, e.g. model.phase", Schema: &huma.Schema{Type: "string"}},
		{Name: "progress", In: "query", Description: "false leaves out what only says how far something is: " + strings.Join(understudy.ProgressKinds, ", "), Schema: &huma.Schema{Type: "boolean"}},
		{Name: "Last-Event-ID", In: "header", Schema: &huma.Schema{Type: "integer"}},
	}
	schemas := a.huma.OpenAPI().Components.Schemas
	op.Responses = map[string]*huma.Response{"200": {Description: "A page, or a stream each event of which has an Event as data", Content: map[string]*huma.MediaType{
		"application/json":  {Schema: schemas.Schema(typeOf[wire.Page[wire.Event]](), true, "")},
		"text/event-stream": {Schema: schemas.Schema(typeOf[wire.Event](), true, "")}}}}
	a.stream(op, func(w http.ResponseWriter, r *http.Request, _ func(string) string) {
		if wantsPage(r) {
			a.eventPage(w, r)
			return
		}
		cursor, err := a.cursor(r)
		if err != nil {
			writeProblem(r.Context(), w, err)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Accel-Buffering", "no")
		a.follow(r.Context(), w, cursor, eventFilter(r))
	})
}

// cursor is where a stream begins.
func (a *API) cursor(r *http.Request) (int64, error) {
	given := r.Header.Get("Last-Event-ID")
	if given == "" {
		given = r.URL.Query().Get("after")
	}
	if given == "" {
		return a.DB.LastEvent(r.Context())
	}
	cursor, err := strconv.ParseInt(given, 10, 64)
	if err != nil {
		return 0, understudy.Errorf(understudy.Invalid, "%q is no event's id", given)
	}
	return cursor, nil
}

// follow writes events until the client leaves or the process ends. An error
// of the database is waited out.
func (a *API) follow(ctx context.Context, w http.ResponseWriter, cursor int64, f understudy.EventFilter) {
	out := http.NewResponseController(w)
	say := func(format string, args ...any) bool {
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && out.Flush() == nil
	}
	if !say("retry: 1000\n\n") {
		return
	}
	woken, leave := a.wakeUp.join()
	defer leave()
	poll := time.NewTicker(a.Poll)
	defer poll.Stop()
	heartbeat := time.NewTicker(a.Heartbeat)
	defer heartbeat.Stop()
	for {
		events, err := a.DB.Events(ctx, cursor, understudy.MaxPage)
		for _, e := range events {
			cursor = e.ID
			if !f.Takes(e) {
				continue
			}
			data, _ := json.Marshal(eventOf(e))
			if !say("id: %d\ndata: %s\n\n", e.ID, data) {
				return
			}
		}
		if err == nil && len(events) == understudy.MaxPage {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-a.ended:
			return
		case <-woken:
		case <-poll.C:
		case <-heartbeat.C:
			if !say(": still here\n\n") {
				return
			}
		}
	}
}
