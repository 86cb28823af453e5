package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
	"understudy.dev/service/serve"
)

// wantsPage reports whether a client asks for a page of events and not for the
// stream.
func wantsPage(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/event-stream")
}

// eventPage answers newest first, or with after oldest first.
func (a *API) eventPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var before, after int64
	limit := 100
	for name, into := range map[string]*int64{"before": &before, "cursor": &before, "after": &after} {
		if q.Get(name) == "" {
			continue
		}
		n, err := strconv.ParseInt(q.Get(name), 10, 64)
		if err != nil || n < 0 {
			writeProblem(r.Context(), w, understudy.Errorf(understudy.Invalid, "%s: %q is no event's id", name, q.Get(name)))
			return
		}
		*into = n
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > understudy.MaxPage {
			writeProblem(r.Context(), w, understudy.Errorf(understudy.Invalid, "limit %q: use 1 to %d", s, understudy.MaxPage))
			return
		}
		limit = n
	}
	f := eventFilter(r)
	events, err := a.DB.EventsBefore(r.Context(), f, before, limit)
	if q.Has("after") {
		events, err = a.DB.EventsAfter(r.Context(), f, after, limit)
	}
	if err != nil {
		writeProblem(r.Context(), w, err)
		return
	}
	page := wire.Page[wire.Event]{Items: []wire.Event{}}
	for _, e := range events {
		page.Items = append(page.Items, eventOf(e))
	}
	if len(events) == limit {
		page.Next = strconv.FormatInt(events[limit-1].ID, 10)
	}
	serve.JSON(w, http.StatusOK, page)
}

func eventFilter(r *http.Request) understudy.EventFilter {
	q := r.URL.Query()
	return understudy.EventFilter{Endpoint: q.Get("endpoint"), ModelID: q.Get("modelId"), Kind: q.Get("kind"), NoProgress: q.Get("progress") == "false"}
}

func eventOf(e understudy.Event) wire.Event {
	return wire.Event{ID: e.ID, At: e.At, Kind: e.Kind, Endpoint: e.Endpoint, ModelID: e.ModelID, Message: e.Message, Data: e.Data}
}
