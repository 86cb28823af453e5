package fakerunpod

import (
	"encoding/json"
	"net/http"
	"time"
)

// State is what a script or a person wants to know of a simulation.
type State struct {
	Simulation string     `json:"simulation"`
	Pods       []PodState `json:"pods"` // every one that ever was
	Alive      int        `json:"alive"`
	SpentUSD   float64    `json:"spentUSD"`
	Resumed    int        `json:"resumed"` // transfers by the proxy that went on where another was cut
}

// PodState is one pod's.
type PodState struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Status  string            `json:"status"`
	GPU     string            `json:"gpu"`
	Where   string            `json:"where"`
	Env     map[string]string `json:"-"`
	Starts  int               `json:"starts"`
	USD     float64           `json:"usd"`
	Created time.Time         `json:"created"`
	Ended   time.Time         `json:"ended,omitzero"` // when it was billed last
}

// State returns it.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	st := State{Simulation: "This is a simulation of RunPod. Nothing is rented and nothing is paid.", Pods: []PodState{}, SpentUSD: s.spent(now), Resumed: s.resumed}
	for _, p := range s.pods {
		if !p.over() {
			st.Alive++
		}
		st.Pods = append(st.Pods, PodState{p.id, p.name, p.status, p.gpu, p.where, p.env, p.starts, p.usd(now), p.created, p.ended()})
	}
	return st
}

// admin is for people and for tests in other processes; it asks for no key.
func (s *Server) admin() {
	s.mux.HandleFunc("GET /admin/state", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, s.State()) })
	s.mux.HandleFunc("POST /admin/faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		if read(w, r, &f) {
			s.Break(f)
			w.WriteHeader(204)
		}
	})
	s.mux.HandleFunc("POST /admin/fates", func(w http.ResponseWriter, r *http.Request) {
		var f Fate
		if read(w, r, &f) {
			s.Next(f)
			w.WriteHeader(204)
		}
	})
	pods := map[string]func(id string){
		"crash":  s.Crash,
		"evict":  func(id string) { s.Evict(id, exited) },
		"vanish": func(id string) { s.Evict(id, terminated) },
		"mute":   func(id string) { s.Mute(id, true) },
		"unmute": func(id string) { s.Mute(id, false) },
	}
	s.mux.HandleFunc("POST /admin/pods/{id}/{what}", func(w http.ResponseWriter, r *http.Request) {
		do, ok := pods[r.PathValue("what")]
		if !ok {
			fail(w, 404, "use crash, evict, vanish, mute or unmute")
			return
		}
		do(r.PathValue("id"))
		w.WriteHeader(204)
	})
}

func read(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		fail(w, 400, err.Error())
		return false
	}
	return true
}
