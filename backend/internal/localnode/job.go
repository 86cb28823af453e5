package localnode

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
)

const kindJob = "Job"

// job runs one pod at a time until one succeeds or too many have failed.
type job struct {
	node     *Server
	object   *object
	spec     batchv1.JobSpec
	pod      *pod // nil between two tries
	failures int
	done     bool
	failed   bool
	reason   string
	removed  bool
	deadline *time.Timer
	retry    *time.Timer
}

func (s *Server) newJob() *job { return &job{node: s} }

func (j *job) kind() string { return kindJob }

func (j *job) apply(o *object) error {
	spec, err := j.node.jobOf(o)
	if err != nil {
		return err
	}
	if j.object != nil && templateHash(spec.Spec.Template) != templateHash(j.spec.Template) {
		return refuse(o.ref, "spec.template of a Job cannot change: delete it first")
	}
	first := j.object == nil
	j.object, j.spec = o, spec.Spec
	if first {
		if s := j.spec.ActiveDeadlineSeconds; s != nil {
			j.deadline = time.AfterFunc(time.Duration(*s)*time.Second, func() {
				j.locked(func() { j.finish(true, fmt.Sprintf("DeadlineExceeded: it ran longer than %d s", *s)) })
			})
		}
		j.launch()
	}
	return nil
}

func (j *job) launch() {
	if j.node.closed() || j.removed || j.done || j.pod != nil {
		return
	}
	t := *j.spec.Template.DeepCopy()
	if t.Labels == nil {
		t.Labels = map[string]string{}
	}
	t.Labels["batch.kubernetes.io/job-name"] = j.object.ref.Name
	j.pod = j.node.launch(j.object.ref.Name+"-"+suffix(), j.object.body.GetNamespace(), "", t, func() { j.locked(j.look) })
}

func (j *job) locked(do func()) {
	j.node.mu.Lock()
	do()
	j.node.mu.Unlock()
	j.node.changes.notify()
}

// look counts a pod that has ended.
func (j *job) look() {
	if j.pod == nil || j.removed || j.done {
		return
	}
	s := j.pod.get()
	if !s.finished {
		return
	}
	j.pod = nil
	limit := 6
	if j.spec.BackoffLimit != nil {
		limit = int(*j.spec.BackoffLimit)
	}
	if s.err == nil {
		j.finish(false, "")
		return
	}
	if j.failures++; j.failures > limit {
		j.finish(true, fmt.Sprintf("BackoffLimitExceeded: it failed %d times, the last time: %v", j.failures, s.err))
		return
	}
	wait := min(j.node.cfg.Backoff<<min(j.failures-1, 16), j.node.cfg.MaxBackoff)
	j.reason = fmt.Sprintf("try %d of %d failed and another follows: %v", j.failures, limit+1, s.err)
	j.retry = time.AfterFunc(wait, func() { j.locked(j.launch) })
}

func (j *job) finish(failed bool, reason string) {
	if j.done || j.removed {
		return
	}
	j.done, j.failed, j.reason = true, failed, reason
	j.release()
}

func (j *job) release() {
	if j.deadline != nil {
		j.deadline.Stop()
	}
	if j.retry != nil {
		j.retry.Stop()
	}
	if j.pod != nil {
		j.pod.end()
		j.pod = nil
	}
}

func (j *job) remove() {
	j.removed = true
	j.release()
}

func (j *job) status() Workload {
	w := Workload{Kind: kindJob, Name: j.object.ref.Name, Succeeded: j.done && !j.failed, Failed: j.failed, Reason: j.reason}
	if !j.done {
		w.Replicas = 1
	}
	if j.pod != nil {
		s := j.pod.get()
		w.Pods = []Pod{{Name: j.pod.name, PID: s.pid, Ready: s.ready, Restarts: j.failures, StartedAt: j.pod.began}}
		if s.ready {
			w.Ready = 1
		}
		if w.Reason == "" {
			w.Reason = s.reason
		}
	}
	return w
}
