package fakerunpod

import (
	"net/http"
	"slices"
)

// GPU is a type of GPU and where it is in stock.
type GPU struct {
	ID, Name          string
	MemoryGB          int
	Secure, Community float64           // USD an hour; 0 where a cloud has none
	Stock             map[string]string // data centre to LOW, MEDIUM or HIGH
}

// Catalogue is what there is where nothing else is said. The prices are of the
// order of RunPod's.
var Catalogue = []GPU{
	{"NVIDIA RTX A4000", "RTX A4000", 16, 0.25, 0.17, map[string]string{"EU-RO-1": "HIGH", "EU-SE-1": "LOW"}},
	{"NVIDIA L4", "L4", 24, 0.43, 0, map[string]string{"EU-RO-1": "MEDIUM", "US-TX-3": "HIGH"}},
	{"NVIDIA GeForce RTX 4090", "RTX 4090", 24, 0.69, 0.34, map[string]string{"EU-RO-1": "HIGH", "US-KS-2": "MEDIUM"}},
	{"NVIDIA A40", "A40", 48, 0.40, 0, map[string]string{}},
	{"NVIDIA H100 80GB HBM3", "H100 SXM", 80, 2.99, 0, map[string]string{"US-KS-2": "HIGH"}},
}

// find looks a GPU up. s.mu is held.
func (s *Server) find(id string) (GPU, bool) {
	i := slices.IndexFunc(s.Catalogue, func(g GPU) bool { return g.ID == id })
	if i < 0 {
		return GPU{}, false
	}
	return s.Catalogue[i], true
}

// place finds a data centre with stock, "" where there is none.
func (g GPU) place(cloud string, wanted []string) (where string, hourly float64) {
	hourly = g.Secure
	if cloud == "COMMUNITY" {
		hourly = g.Community
	}
	if hourly == 0 {
		return "", 0
	}
	for _, id := range g.places() {
		if len(wanted) == 0 || slices.Contains(wanted, id) {
			return id, hourly
		}
	}
	return "", 0
}

func (g GPU) places() []string {
	var list []string
	for id := range g.Stock {
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}

func (g GPU) level() string {
	for _, level := range []string{"HIGH", "MEDIUM", "LOW"} {
		for _, have := range g.Stock {
			if have == level {
				return level
			}
		}
	}
	return "NONE"
}

func (s *Server) gpus(w http.ResponseWriter, r *http.Request, _ caller) {
	q := r.URL.Query()
	with := q.Get("include") == "AVAILABILITY"
	if with != (q.Get("product") != "") {
		fail(w, 400, "include=AVAILABILITY and product go together")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []any{}
	for _, g := range s.Catalogue {
		v := map[string]any{
			"id": g.ID, "name": g.Name, "pool": nil, "manufacturer": "NVIDIA", "memory": g.MemoryGB, "secure": g.Secure > 0, "community": g.Community > 0,
			"price": map[string]any{"secure": g.Secure, "community": g.Community}, "maxCount": map[string]any{"secure": 8, "community": 4},
		}
		if with {
			v["availability"] = g.level()
			places := []any{}
			for _, id := range g.places() {
				places = append(places, map[string]any{"id": id, "name": id, "availability": g.Stock[id]})
			}
			if len(places) > 0 {
				v["dataCenters"] = places
			}
		}
		list = append(list, v)
	}
	reply(w, 200, map[string]any{"gpus": list})
}

func (s *Server) dataCenters(w http.ResponseWriter, r *http.Request, _ caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stock := map[string][]any{}
	for _, g := range s.Catalogue {
		for id, level := range g.Stock {
			stock[id] = append(stock[id], map[string]any{"id": g.ID, "name": g.Name, "availability": level})
		}
	}
	list := []any{}
	for id, gpus := range stock {
		v := map[string]any{"id": id, "name": id, "region": "UNKNOWN", "globalNetwork": false, "networkVolumeTypes": []any{"STANDARD"}, "compliance": []any{}}
		if r.URL.Query().Get("include") == "GPU_AVAILABILITY" {
			v["gpuAvailability"] = gpus
		}
		list = append(list, v)
	}
	reply(w, 200, map[string]any{"dataCenters": list})
}

func (s *Server) volume(w http.ResponseWriter, r *http.Request, _ caller) {
	at, ok := s.Volumes[r.PathValue("id")]
	if !ok {
		fail(w, 404, "network volume not found")
		return
	}
	reply(w, 200, map[string]any{"id": r.PathValue("id"), "name": r.PathValue("id"), "size": 50, "dataCenter": at, "type": "STANDARD"})
}
