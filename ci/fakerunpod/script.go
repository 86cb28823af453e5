package fakerunpod

import (
	"cmp"
	"fmt"
	"net/http"
	"path"
	"strings"
	"syscall"
	"time"
)

// Fault is an answer that goes wrong. It is used up by the requests it meets.
type Fault struct {
	Method string `json:"method"` // "" is any
	Path   string `json:"path"`   // * stands for a part between slashes
	Skip   int    `json:"skip"`   // requests that go well first
	Times  int    `json:"times"`  // requests that go wrong; 0 is one, below 0 is all

	Status     int           `json:"status"` // 0 breaks the connection off without an answer
	Detail     string        `json:"detail"`
	Body       string        `json:"body"` // instead of a problem document
	RetryAfter int           `json:"retryAfter"`
	Done       bool          `json:"done"`     // the request is carried out, and answered so all the same
	Hang       time.Duration `json:"hang"`     // before the answer
	CutAfter   int           `json:"cutAfter"` // bytes of the real answer's body, then the connection breaks
	// Run is called as soon as the fault is met, for scripts that change more.
	Run func() `json:"-"`
}

// Fate is what becomes of a pod that will be created.
type Fate struct {
	StaysProvisioning bool          `json:"staysProvisioning"`
	NeverAnswers      bool          `json:"neverAnswers"` // RUNNING, and nothing listens
	ExitsAfter        time.Duration `json:"exitsAfter"`   // its program, each time
	ListedAfter       time.Duration `json:"listedAfter"`  // the list knows it late
}

// Break adds a fault.
func (s *Server) Break(f Fault) {
	f.Times = cmp.Or(f.Times, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Next sets what becomes of the pods created next, one for each.
func (s *Server) Next(fates ...Fate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fates = append(s.fates, fates...)
}

// meets finds the fault for a request.
func (s *Server) meets(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		ok, err := path.Match(f.Path, r.URL.Path)
		if err != nil || !ok || f.Times == 0 || f.Method != "" && f.Method != r.Method {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		f.Times--
		return f
	}
	return nil
}

// scripted answers a request that is to go wrong.
func (s *Server) scripted(w http.ResponseWriter, r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/admin/") {
		return false
	}
	f := s.meets(r)
	if f == nil {
		return false
	}
	s.Log.Info("fault", "request", r.Method+" "+r.URL.Path, "status", f.Status)
	if f.Run != nil {
		f.Run()
	}
	if f.CutAfter > 0 {
		s.mux.ServeHTTP(&cut{ResponseWriter: w, left: f.CutAfter}, r)
		return true
	}
	if f.Done {
		s.mux.ServeHTTP(&nowhere{header: http.Header{}}, r)
	}
	if f.Hang > 0 {
		select {
		case <-r.Context().Done():
		case <-time.After(f.Hang):
		}
	}
	if f.Run != nil && f.Status == 0 && f.Body == "" && !f.Done {
		return false // the script did it all
	}
	if f.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(f.RetryAfter))
	}
	if f.Body != "" {
		w.WriteHeader(f.Status)
		fmt.Fprint(w, f.Body)
		return true
	}
	fail(w, f.Status, f.Detail)
	return true
}

// cut lets only so many bytes of an answer through.
type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(b []byte) (int, error) {
	if len(b) < c.left {
		c.left -= len(b)
		return c.ResponseWriter.Write(b)
	}
	_, _ = c.ResponseWriter.Write(b[:c.left])
	if f, ok := c.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler)
}

// nowhere takes an answer that nobody gets.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(int)             {}

// each calls f with every pod that is there, or the one with this id.
func (s *Server) each(id string, f func(*pod)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pods {
		if !p.over() && (id == "" || p.id == id) {
			f(p)
		}
	}
}

// Evict stops pods as RunPod does that takes the machine back; status is
// EXITED, ERROR or TERMINATED. An empty id is every pod.
func (s *Server) Evict(id, status string) { s.each(id, func(p *pod) { s.stop(p, status) }) }

// Crash ends the programs in pods; they are started again on an empty disk.
func (s *Server) Crash(id string) {
	s.each(id, func(p *pod) {
		if p.process != nil {
			p.process.Kill()
		}
	})
}

// Mute lets the proxy find nothing at pods' ports, or lets it again.
func (s *Server) Mute(id string, muted bool) { s.each(id, func(p *pod) { p.muted = muted }) }

// Freeze stops the programs in pods without ending them, or lets them go on.
func (s *Server) Freeze(id string, frozen bool) {
	sign := syscall.SIGCONT
	if frozen {
		sign = syscall.SIGSTOP
	}
	s.each(id, func(p *pod) {
		if p.process != nil {
			_ = syscall.Kill(-p.process.PID(), sign)
		}
	})
}

// Broke takes what is left of the account's balance: pods without a network
// volume are terminated, others stop.
func (s *Server) Broke() {
	s.mu.Lock()
	s.Balance = 1e-9
	s.mu.Unlock()
	s.each("", func(p *pod) {
		if len(p.mounts.Network) > 0 {
			s.stop(p, exited)
		} else {
			s.stop(p, terminated)
		}
	})
}
