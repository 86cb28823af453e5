package localnode

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const kindDeployment = "Deployment"

// deployment keeps so many pods of the newest template; on a new template it
// starts new pods and ends an old one when a new one is ready.
type deployment struct {
	node     *Server
	object   *object
	spec     appsv1.DeploymentSpec
	hash     string
	replicas int
	removed  bool
	pods     []*pod // those that have not been told to end
}

func (s *Server) newDeployment() *deployment { return &deployment{node: s, replicas: 1} }

func (d *deployment) kind() string { return kindDeployment }

func (d *deployment) apply(o *object) error {
	spec, err := d.node.deploymentOf(o)
	if err != nil {
		return err
	}
	d.object, d.spec, d.hash = o, spec.Spec, templateHash(spec.Spec.Template)
	if spec.Spec.Replicas != nil {
		d.replicas = int(*spec.Spec.Replicas)
	}
	d.reconcile()
	return nil
}

func (d *deployment) remove() {
	d.removed = true
	for _, p := range d.pods {
		p.end()
	}
	d.pods = nil
}

// scale sets the replicas. The caller has compared the version.
func (d *deployment) scale(n int) {
	d.replicas = n
	d.reconcile()
}

// reconcile is called with the server's lock held after every change.
func (d *deployment) reconcile() {
	if d.removed || d.node.closed() {
		return
	}
	d.pods = slices.DeleteFunc(d.pods, func(p *pod) bool { return p.ending() })
	surge, unavailable := d.limits()
	fresh, old := d.split()
	for len(fresh) < d.replicas && len(fresh)+len(old) < d.replicas+surge {
		p := d.launch()
		fresh, d.pods = append(fresh, p), append(d.pods, p)
	}
	for len(fresh) > d.replicas {
		fresh = d.drop(fresh)
	}
	// An old pod that is not ready serves nobody; a ready one may go as far as
	// enough others are ready.
	spare := countReady(fresh) + countReady(old) - (d.replicas - unavailable)
	for _, p := range old {
		ready := p.get().ready
		if ready && spare <= 0 {
			continue
		}
		if ready {
			spare--
		}
		d.drop([]*pod{p})
	}
	if fresh, old := d.split(); len(fresh) < d.replicas && len(fresh)+len(old) < d.replicas+surge {
		d.reconcile() // an old pod has made room
	}
}

func (d *deployment) launch() *pod {
	t := *d.spec.Template.DeepCopy()
	if t.Labels == nil {
		t.Labels = map[string]string{}
	}
	t.Labels["pod-template-hash"] = d.hash[:10]
	return d.node.launch(d.object.ref.Name+"-"+d.hash[:10]+"-"+suffix(), d.object.body.GetNamespace(), d.hash, t, d.changed)
}

// changed is called by pods, without the lock.
func (d *deployment) changed() {
	d.node.mu.Lock()
	d.reconcile()
	d.node.mu.Unlock()
	d.node.changes.notify()
}

func (d *deployment) split() (fresh, old []*pod) {
	for _, p := range d.pods {
		if p.hash == d.hash {
			fresh = append(fresh, p)
		} else {
			old = append(old, p)
		}
	}
	return fresh, old
}

// drop ends one of the pods, one that is not ready first, and returns the rest.
func (d *deployment) drop(pods []*pod) []*pod {
	i := max(0, slices.IndexFunc(pods, func(p *pod) bool { return !p.get().ready }))
	gone := pods[i]
	gone.end()
	d.pods = slices.DeleteFunc(d.pods, func(p *pod) bool { return p == gone })
	return slices.Delete(slices.Clone(pods), i, i+1)
}

// limits are maxSurge and maxUnavailable, 25 % where not given.
func (d *deployment) limits() (surge, unavailable int) {
	if d.spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return 0, d.replicas
	}
	quarter := intstr.FromString("25%")
	s, u := &quarter, &quarter
	if r := d.spec.Strategy.RollingUpdate; r != nil {
		if r.MaxSurge != nil {
			s = r.MaxSurge
		}
		if r.MaxUnavailable != nil {
			u = r.MaxUnavailable
		}
	}
	surge, _ = intstr.GetScaledValueFromIntOrPercent(s, d.replicas, true)
	unavailable, _ = intstr.GetScaledValueFromIntOrPercent(u, d.replicas, false)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, unavailable
}

func (d *deployment) status() Workload {
	w := Workload{Kind: kindDeployment, Name: d.object.ref.Name, Replicas: d.replicas}
	for _, p := range d.pods {
		s := p.get()
		w.Pods = append(w.Pods, Pod{Name: p.name, PID: s.pid, Ready: s.ready, Restarts: s.restarts, StartedAt: p.began})
		if s.ready && s.address != "" {
			w.Addresses = append(w.Addresses, s.address)
		}
		if p.hash != d.hash {
			continue
		}
		if s.ready {
			w.Ready++
		} else if w.Reason == "" {
			w.Reason = s.reason
		}
	}
	return w
}

func countReady(pods []*pod) int {
	n := 0
	for _, p := range pods {
		if p.get().ready {
			n++
		}
	}
	return n
}

func templateHash(t corev1.PodTemplateSpec) string {
	b, _ := json.Marshal(t)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
