package localnode

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	understudy "understudy.dev/backend"
	"understudy.dev/service/serve"
)

const maxObject = 4 << 20 // bytes

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/objects", s.list)
	mux.HandleFunc("GET /v1/objects/{kind}/{name}", s.read)
	mux.HandleFunc("PUT /v1/objects/{kind}/{name}", s.put)
	mux.HandleFunc("DELETE /v1/objects/{kind}/{name}", s.remove)
	mux.HandleFunc("GET /v1/workloads/{name}", s.workload)
	mux.HandleFunc("PUT /v1/workloads/{name}/scale", s.scale)
	mux.HandleFunc("GET /v1/watch", s.watch)
	mux.HandleFunc("GET /v1/around", s.around)
	return mux
}

func fail(w http.ResponseWriter, err error) {
	status, ok := statusOf[understudy.CodeOf(err)]
	if !ok {
		status = http.StatusInternalServerError
	}
	serve.Problem(w, status, err.Error())
}

func refOf(r *http.Request) Ref { return Ref{r.PathValue("kind"), r.PathValue("name")} }

func (s *Server) list(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	refs := make([]Ref, 0, len(s.objects))
	for ref := range s.objects {
		refs = append(refs, ref)
	}
	s.mu.Unlock()
	slices.SortFunc(refs, func(a, b Ref) int { return strings.Compare(a.Kind+"/"+a.Name, b.Kind+"/"+b.Name) })
	serve.JSON(w, http.StatusOK, refs)
}

func (s *Server) read(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[refOf(r)]
	if o == nil {
		fail(w, understudy.Errorf(understudy.NotFound, "%s/%s is not there", refOf(r).Kind, refOf(r).Name))
		return
	}
	serve.JSON(w, http.StatusOK, o.body)
}

// put creates or replaces an object; what did not change stays as it is.
func (s *Server) put(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxObject))
	if err != nil {
		fail(w, understudy.Errorf(understudy.Invalid, "read the object: %v", err))
		return
	}
	o, err := parse(body)
	if err == nil && o.ref != refOf(r) {
		err = understudy.Errorf(understudy.Invalid, "the object is %s/%s, not %s/%s", o.ref.Kind, o.ref.Name, refOf(r).Kind, refOf(r).Name)
	}
	if err == nil {
		err = s.apply(o)
	}
	if err != nil {
		fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) apply(o *object) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed() {
		return understudy.Errorf(understudy.Unavailable, "the local node is ending")
	}
	old := s.objects[o.ref]
	if old != nil && old.given == o.given {
		return nil
	}
	o.uid = newUID()
	if old != nil {
		o.uid = old.uid
	}
	s.version++
	o.version = s.version
	o.stamp()
	if !recorded[o.ref.Kind] {
		work := s.workloads[o.ref.Name]
		switch {
		case work != nil && work.kind() != o.ref.Kind:
			return refuse(o.ref, "there is a %s of this name", work.kind())
		case work == nil && o.ref.Kind == kindJob:
			work = s.newJob()
		case work == nil:
			work = s.newDeployment()
		}
		if err := work.apply(o); err != nil {
			return err
		}
		s.workloads[o.ref.Name] = work
	}
	s.objects[o.ref] = o
	s.changes.notify()
	return nil
}

// remove answers when the object is gone; its processes end after that.
func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	ref := refOf(r)
	s.mu.Lock()
	_, ok := s.objects[ref]
	delete(s.objects, ref)
	if work := s.workloads[ref.Name]; ok && work != nil && work.kind() == ref.Kind {
		work.remove()
		delete(s.workloads, ref.Name)
	}
	s.mu.Unlock()
	if !ok {
		fail(w, understudy.Errorf(understudy.NotFound, "%s/%s is not there", ref.Kind, ref.Name))
		return
	}
	s.changes.notify()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) scale(w http.ResponseWriter, r *http.Request) {
	var want scaleRequest
	if !serve.Decode(w, r, 1000, &want) {
		return
	}
	err := func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		d, ok := s.workloads[r.PathValue("name")].(*deployment)
		switch {
		case !ok:
			return understudy.Errorf(understudy.NotFound, "Deployment/%s is not there", r.PathValue("name"))
		case want.Replicas < 0 || want.Replicas > 100:
			return understudy.Errorf(understudy.Invalid, "replicas %d: use 0 to 100", want.Replicas)
		case want.Version != fmt.Sprint(d.object.version):
			return errVersion
		}
		s.version++
		d.object.version = s.version
		d.object.stamp()
		d.scale(want.Replicas)
		return nil
	}()
	if err != nil {
		fail(w, err)
		return
	}
	s.changes.notify()
	w.WriteHeader(http.StatusNoContent)
}

var errVersion = understudy.Errorf(understudy.Conflict, "somebody else has changed it meanwhile")
