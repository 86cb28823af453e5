package gateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	understudy "understudy.dev/backend"
)

// model is an endpoint as OpenAI's list of models shows it.
type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // Unix seconds
	OwnedBy string `json:"owned_by"`
}

func modelOf(e understudy.Endpoint) model {
	return model{ID: e.Name, Object: "model", Created: max(e.CreatedAt.Unix(), 0), OwnedBy: "understudy"}
}

func (g *Gateway) listModels(w http.ResponseWriter, st *state) {
	list := make([]model, 0, len(st.Endpoints))
	for _, name := range slices.Sorted(maps.Keys(st.Endpoints)) {
		list = append(list, modelOf(st.Endpoints[name].Endpoint))
	}
	answer(w, map[string]any{"object": "list", "data": list})
}

func (g *Gateway) showModel(w http.ResponseWriter, st *state, name string) {
	e, ok := st.Endpoints[name]
	if !ok {
		g.fail(w, problem{404, "model_not_found", fmt.Sprintf("The model %q is no endpoint of Understudy.", name), "model"})
		return
	}
	answer(w, modelOf(e.Endpoint))
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
