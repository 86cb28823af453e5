package fakerunpod

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"time"
)

type createRequest struct {
	Name          string
	Image         string
	Args          string
	Disk          int
	Ports         []string
	Env           map[string]string
	Cloud         string
	DataCenterIDs []string
	TemplateID    string
	Mounts        mounts
	GPU           *struct {
		ID    string
		Count int
	}
	CPU *struct{ ID string }
}

// rules are what no schema says: they are answered with 400.
func (q createRequest) rules() string {
	switch {
	case (q.GPU == nil) == (q.CPU == nil):
		return "exactly one of gpu and cpu must be set"
	case q.CPU != nil:
		return "this simulation has no CPU pods"
	case q.Image == "" && q.TemplateID == "":
		return "image is required unless templateId is set"
	case q.Mounts.Persistent != nil && q.Mounts.Network != nil:
		return "mounts.persistent and mounts.network are mutually exclusive"
	case len(q.Env) > 50:
		return "at most 50 environment variables"
	}
	return ""
}

const noCapacity = "There are no longer any instances available with the requested specifications. Please refresh and try again."

func (s *Server) create(w http.ResponseWriter, r *http.Request, _ caller) {
	var q createRequest
	if !body(w, r, "CreatePodRequest", &q) {
		return
	}
	if broken := q.rules(); broken != "" {
		fail(w, 400, broken)
		return
	}
	if q.Cloud == "" {
		q.Cloud = "SECURE"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.find(q.GPU.ID)
	if !ok {
		fail(w, 400, "unknown gpu id "+q.GPU.ID)
		return
	}
	if len(q.Mounts.Network) > 0 {
		at, ok := s.Volumes[q.Mounts.Network[0].VolumeID]
		if !ok || len(q.DataCenterIDs) > 0 && !slices.Contains(q.DataCenterIDs, at) {
			fail(w, 400, "the network volume is not in this data center")
			return
		}
		q.DataCenterIDs = []string{at}
	}
	where, price := g.place(q.Cloud, q.DataCenterIDs)
	if where == "" {
		fail(w, 400, noCapacity)
		return
	}
	if s.Balance > 0 && s.spent(time.Now())+price > s.Balance {
		fail(w, 402, "Insufficient balance: at least one hour of credit is needed.")
		return
	}
	id := newID()
	p := &pod{
		id: id, name: q.Name, image: q.Image, args: q.Args, where: where, cloud: q.Cloud, disk: max(q.Disk, 1), ports: q.Ports,
		env: q.Env, mounts: q.Mounts, gpu: g.ID, hourly: price, key: "pod-" + newID(), created: time.Now(), dir: filepath.Join(s.Dir, "pods", id),
	}
	if p.env == nil {
		p.env = map[string]string{}
	}
	if p.ports == nil {
		p.ports = []string{}
	}
	if len(s.fates) > 0 {
		p.fate, s.fates = s.fates[0], s.fates[1:]
		p.hidden = time.Now().Add(p.fate.ListedAfter)
	}
	s.pods = append(s.pods, p)
	s.begin(p)
	s.Log.Info("pod created", "pod", p.id, "name", p.name, "gpu", p.gpu, "where", p.where, "hourlyUSD", p.hourly)
	reply(w, 201, p.view(time.Now()))
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request, _ caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	list := []any{}
	for _, p := range s.pods {
		if !p.over() && !now.Before(p.hidden) {
			list = append(list, p.view(now))
		}
	}
	reply(w, 200, map[string]any{"pods": list})
}

// one finds the pod of a request, else it answers 404. s.mu is held.
func (s *Server) one(w http.ResponseWriter, r *http.Request) *pod {
	p := s.byID(r.PathValue("id"))
	if p == nil || p.over() {
		fail(w, 404, "pod not found")
		return nil
	}
	return p
}

func (s *Server) byID(id string) *pod {
	i := slices.IndexFunc(s.pods, func(p *pod) bool { return p.id == id })
	if i < 0 {
		return nil
	}
	return s.pods[i]
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, _ caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.one(w, r); p != nil {
		reply(w, 200, p.view(time.Now()))
	}
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request, _ caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.one(w, r); p != nil {
		s.stop(p, terminated)
		w.WriteHeader(204)
	}
}

func (s *Server) action(w http.ResponseWriter, r *http.Request, _ caller) {
	var q struct{ Action string }
	if !body(w, r, "PodActionRequest", &q) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.one(w, r)
	switch {
	case p == nil:
		return
	case !p.allows(q.Action):
		fail(w, 409, fmt.Sprintf("%s is not valid while the pod is %s", q.Action, p.status))
		return
	}
	switch q.Action {
	case "terminate":
		s.stop(p, terminated)
		w.WriteHeader(204)
		return
	case "stop":
		s.stop(p, exited)
	case "start":
		s.begin(p)
	case "restart":
		if p.process != nil {
			p.process.Kill()
		}
	}
	reply(w, 200, p.view(time.Now()))
}

// patch changes what a pod starts with; a change of env restarts it.
func (s *Server) patch(w http.ResponseWriter, r *http.Request, _ caller) {
	var q struct {
		Name, Image *string
		Env         map[string]string
	}
	if !body(w, r, "UpdatePodRequest", &q) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.one(w, r)
	if p == nil {
		return
	}
	if q.Name != nil {
		p.name = *q.Name
	}
	if q.Image != nil {
		p.image = *q.Image
	}
	if q.Env != nil && !maps.Equal(q.Env, p.env) {
		p.env = q.Env
		if p.process != nil {
			p.process.Kill()
		}
	}
	reply(w, 200, p.view(time.Now()))
}
