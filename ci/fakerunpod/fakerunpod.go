// Package fakerunpod is a simulation of RunPod for tests and demonstrations. It
// answers as RunPod's REST API v2 is documented to, refuses what that refuses,
// fails on demand, bills by the second in money that nobody pays, and starts a
// real agent on this machine as "the pod", behind a proxy like RunPod's.
package fakerunpod

import (
	"cmp"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Options say what to simulate. Zero values are filled in.
type Options struct {
	Key      string   // the account's API key
	Dir      string   // for the pods' disks and the network volumes
	Agent    []string // what a pod runs instead of its image
	AgentEnv []string // the environment of the machine that pods run on; it goes before a pod's own

	Provisioning time.Duration // from the order to RUNNING
	Starting     time.Duration // and from there to the program's start: RUNNING, runtime null
	Restarting   time.Duration // from the program's end to its next start
	ProxyLimit   time.Duration // after which the proxy answers 524
	Quota        int           // requests a minute; 0 is no limit
	Balance      float64       // USD; 0 is more than enough
	Catalogue    []GPU
	Volumes      map[string]string // network volumes: id to data centre

	PodKeyRefused bool // a pod's own key may not end it, as some report
	Log           *slog.Logger
}

// Server is the simulation. Its methods that change something are for the
// scripts of tests.
type Server struct {
	Options
	mux *http.ServeMux

	mu       sync.Mutex
	pods     []*pod // every one that ever was, in order
	faults   []*Fault
	fates    []Fate
	requests []time.Time // of the last minute
	work     sync.WaitGroup
	closed   bool
	resumed  int // transfers by the proxy that went on where another was cut
}

// New starts a simulation without pods.
func New(o Options) *Server {
	o.ProxyLimit = cmp.Or(o.ProxyLimit, 100*time.Second)
	o.Restarting = cmp.Or(o.Restarting, time.Second)
	if o.Catalogue == nil {
		o.Catalogue = Catalogue
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{Options: o, mux: http.NewServeMux()}
	s.routes()
	return s
}

// Close ends every pod's program.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for _, p := range s.pods {
		if !p.over() {
			s.stop(p, terminated)
		}
	}
	s.mu.Unlock()
	s.work.Wait()
}

func (s *Server) routes() {
	api := func(pattern string, h func(http.ResponseWriter, *http.Request, caller)) {
		s.mux.HandleFunc(pattern, s.guard(h))
	}
	api("POST /v2/pods", s.create)
	api("GET /v2/pods", s.list)
	api("GET /v2/pods/{id}", s.get)
	api("PATCH /v2/pods/{id}", s.patch)
	api("DELETE /v2/pods/{id}", s.delete)
	api("POST /v2/pods/{id}/action", s.action)
	api("GET /v2/pods/{id}/logs", s.logs)
	api("GET /v2/catalog/gpus", s.gpus)
	api("GET /v2/catalog/datacenters", s.dataCenters)
	api("GET /v2/network-volumes/{id}", s.volume)
	api("GET /v2/billing/pods", s.billing)
	s.mux.HandleFunc("/v2/", func(w http.ResponseWriter, _ *http.Request) { fail(w, 404, "resource not found") })
	s.mux.HandleFunc("/proxy/{pod}/{port}/{rest...}", s.proxy)
	s.admin()
}

// ServeHTTP implements http.Handler. Whatever it answers says that it is a
// simulation.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "fakerunpod (a simulation, not RunPod)")
	if s.scripted(w, r) {
		return
	}
	s.mux.ServeHTTP(w, r)
}
