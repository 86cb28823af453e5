package localnode

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	understudy "understudy.dev/backend"
	"understudy.dev/service/serve"
)

// state returns every workload, by name.
func (s *Server) state() []Workload {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Workload, 0, len(s.workloads))
	for name := range s.workloads {
		out = append(out, s.look(name))
	}
	slices.SortFunc(out, func(a, b Workload) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (s *Server) look(name string) Workload {
	w := s.workloads[name].status()
	w.Version = fmt.Sprint(s.objects[Ref{w.Kind, w.Name}].version)
	return w
}

func (s *Server) workload(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	_, ok := s.workloads[r.PathValue("name")]
	var found Workload
	if ok {
		found = s.look(r.PathValue("name"))
	}
	s.mu.Unlock()
	if !ok {
		fail(w, understudy.Errorf(understudy.NotFound, "no workload is named %s", r.PathValue("name")))
		return
	}
	serve.JSON(w, http.StatusOK, found)
}

// watch sends the whole list of workloads, one JSON array a line, now and
// after every change: whoever misses some lines has lost nothing.
func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	for {
		next := s.changes.wait()
		if err := json.NewEncoder(w).Encode(s.state()); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-next:
		case <-r.Context().Done():
			return
		case <-s.closing:
			return
		}
	}
}
