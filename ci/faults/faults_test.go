package faults

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"understudy.dev/ci/fakerunpod"
)

// fault is one thing that goes wrong.
type fault struct {
	group, name string
	setup       setup
	before      func(w *world) // with the trainer about to start
	spec        map[string]any // differences of the job
	during      func(w *world) // with the job accepted
	want        string         // the job's end; "" is succeeded
	early       bool           // with what was reached until then
	says        []string       // in the error, else in a note
	pods        int            // how many are rented in all; -1 is any number
}

const capacity = "There are no longer any instances available with the requested specifications. Please refresh and try again."

// breaks lets requests go wrong.
func breaks(list ...fakerunpod.Fault) func(*world) {
	return func(w *world) {
		for _, f := range list {
			w.sim.Break(f)
		}
	}
}

func next(fates ...fakerunpod.Fate) func(*world) { return func(w *world) { w.sim.Next(fates...) } }

// at does something once the agent is at a point, and then lets it go on.
func at(point string, do func(w *world)) (before, during func(*world)) {
	before = func(w *world) { w.hold(point, true) }
	during = func(w *world) {
		w.await("the agent is at "+point, func() bool { return w.count("reach "+point) > 0 })
		w.hold(point, false)
		do(w)
	}
	return before, during
}

// held is at, for what has to happen while the agent waits.
func held(point string, do func(w *world)) (before, during func(*world)) {
	before = func(w *world) { w.hold(point, true) }
	during = func(w *world) {
		w.await("the agent is at "+point, func() bool { return w.count("reach "+point) > 0 })
		do(w)
		w.hold(point, false)
	}
	return before, during
}

const (
	onPods   = "/v2/pods"
	onPod    = "/v2/pods/*"
	onStatus = "/proxy/*/8000/v1/status"
	onOrder  = "/proxy/*/8000/v1/train"
	onUpload = "/proxy/*/8000/v1/dataset"
	onFile   = "/proxy/*/8000/v1/artifacts/adapter.gguf"
)

const (
	api    = "1 the API"
	proxy  = "2 the proxy"
	pod    = "3 the pod"
	limits = "4 deadline and budget"
	crash  = "5 the trainer is killed"
	real   = "6 the real agent"
)

// dearUSD is what a second of a dear pod costs.
const dearUSD = 0.02

var dear = func(o *fakerunpod.Options) {
	o.Catalogue = []fakerunpod.GPU{{ID: "NVIDIA L4", Name: "L4", MemoryGB: 24, Secure: 3600 * dearUSD, Stock: map[string]string{"EU-RO-1": "HIGH"}}}
}

func theFaults() []fault {
	vol := []string{"RUNPOD_VOLUME_ID=vol"}
	list := []fault{
		{group: api, name: "nothing goes wrong", pods: 1},
		{group: api, name: "400, no capacity: the next candidate", before: breaks(fakerunpod.Fault{Method: "POST", Path: onPods, Times: 2, Status: 400, Detail: capacity}), pods: 1},
		{group: api, name: "500 with the words of no capacity", before: breaks(fakerunpod.Fault{Method: "POST", Path: onPods, Status: 500, Detail: "create pod: There are no instances currently available"}), pods: 1},
		{group: api, name: "no capacity anywhere, until the deadline", before: breaks(fakerunpod.Fault{Method: "POST", Path: onPods, Times: -1, Status: 400, Detail: capacity}),
			spec: map[string]any{"deadlineSeconds": 5}, want: "failed", says: []string{"deadline of 5 s passed before training began", "no GPU is free at RunPod now"}},
		{group: api, name: "400 to everything, a broken rule", before: breaks(fakerunpod.Fault{Method: "POST", Path: onPods, Times: -1, Status: 400, Detail: "ports must not be empty"}),
			want: "failed", says: []string{"refuses every one of", "ports must not be empty"}},
		{group: api, name: "401, a wrong key", setup: setup{env: []string{"RUNPOD_API_KEY=wrong"}}, want: "failed", says: []string{"does not know the API key", "RUNPOD_API_KEY"}},
		{group: api, name: "402, no balance", before: breaks(fakerunpod.Fault{Method: "POST", Path: onPods, Status: 402, Detail: "insufficient balance"}),
			want: "failed", says: []string{"not enough credit", "Add credit"}},
		{group: api, name: "403 on one pool: the next candidate", before: breaks(fakerunpod.Fault{Method: "POST", Path: onPods, Status: 403, Detail: "access denied"}), pods: 1},
		{group: api, name: "403 on every pool", before: breaks(fakerunpod.Fault{Method: "POST", Path: onPods, Times: -1, Status: 403, Detail: "access denied"}),
			want: "failed", says: []string{"rent none of the", "access denied"}},
		{group: api, name: "410, a retired version", before: breaks(fakerunpod.Fault{Path: onPods, Times: -1, Status: 410, Detail: "gone"}), want: "failed", says: []string{"RUNPOD_BASE_URL"}},
		{group: api, name: "422, a mistake of ours", before: breaks(fakerunpod.Fault{Method: "POST", Path: onPods, Status: 422, Detail: "Request validation failed."}),
			want: "failed", says: []string{"a mistake in Understudy"}},
		{group: api, name: "429 with Retry-After", before: breaks(fakerunpod.Fault{Method: "POST", Path: onPods, Status: 429, Detail: "rate limit exceeded for the minute window", RetryAfter: 1}), pods: 1},
		{group: api, name: "500 on create, not carried out", before: breaks(fakerunpod.Fault{Method: "POST", Path: onPods, Status: 500, Detail: "internal error"}), pods: 1},
		{group: api, name: "503 on create, carried out", before: breaks(fakerunpod.Fault{Method: "POST", Path: onPods, Status: 503, Detail: "upstream", Done: true}), pods: 1},
		{group: api, name: "create carried out, the answer lost", before: breaks(fakerunpod.Fault{Method: "POST", Path: onPods, Done: true}), pods: 1},
		{group: api, name: "create carried out, lost, listed late", before: func(w *world) {
			w.sim.Next(fakerunpod.Fate{ListedAfter: 3 * time.Second})
			w.sim.Break(fakerunpod.Fault{Method: "POST", Path: onPods, Done: true})
			w.hold("training", true)
		}, during: func(w *world) {
			w.await("the second pod of the name is ended", func() bool { return len(w.sim.State().Pods) == 2 && w.alive() == 1 })
			w.hold("training", false)
		}, pods: 2},
		{group: api, name: "the catalogue answers 502 with a page", before: breaks(fakerunpod.Fault{Path: "/v2/catalog/gpus", Times: 2, Status: 502, Body: "<html>"}), pods: 1},
		{group: api, name: "looking at the pod breaks off", before: breaks(fakerunpod.Fault{Method: "GET", Path: onPod, Times: 3}), pods: 1},
		{group: api, name: "ending the pod answers 500, for a time", before: breaks(fakerunpod.Fault{Method: "DELETE", Path: onPod, Times: 7, Status: 500, Detail: "internal error"}), pods: 1},
		{group: api, name: "ending the pod is carried out, the answer lost", before: breaks(fakerunpod.Fault{Method: "DELETE", Path: onPod, Done: true}), pods: 1},
		{group: api, name: "the bill cannot be read at first", before: breaks(fakerunpod.Fault{Path: "/v2/billing/pods", Times: 2, Status: 500, Detail: "internal error"}), pods: 1},
		{group: api, name: "a quota that is soon used up", setup: setup{options: func(o *fakerunpod.Options) { o.Quota = 400 }}, pods: 1},

		{group: proxy, name: "502 while the agent comes up", before: breaks(fakerunpod.Fault{Path: onStatus, Times: 20, Status: 502, Body: "<html>"}), pods: 1},
		{group: proxy, name: "524 in the middle of training", before: breaks(fakerunpod.Fault{Path: onStatus, Skip: 4, Times: 5, Status: 524, Body: "<html>"}), pods: 1},
		{group: proxy, name: "the data set's upload breaks off", before: breaks(fakerunpod.Fault{Method: "PUT", Path: onUpload, Times: 2}), pods: 1},
		{group: proxy, name: "the upload arrived, the answer lost", before: breaks(fakerunpod.Fault{Method: "PUT", Path: onUpload, Done: true}), pods: 1},
		{group: proxy, name: "the order arrived, the answer lost", before: breaks(fakerunpod.Fault{Method: "POST", Path: onOrder, Done: true}), pods: 1},
		{group: proxy, name: "an artefact is cut, three times", before: breaks(fakerunpod.Fault{Path: onFile, Times: 3, CutAfter: 700_000}), pods: 1},
		{group: proxy, name: "an artefact answers 524", before: breaks(fakerunpod.Fault{Path: onFile, Times: 2, Status: 524, Body: "<html>"}), pods: 1},
		{group: proxy, name: "an artefact is another file, once", before: breaks(fakerunpod.Fault{Path: onFile, Status: 200, Body: "garbage"}), pods: 1},
		{group: proxy, name: "an artefact is never the right file", before: breaks(fakerunpod.Fault{Path: onFile, Times: -1, Status: 200, Body: "garbage"}),
			want: "failed", says: []string{"adapter.gguf is not what it announced"}, pods: 1},

		{group: pod, name: "PROVISIONING for ever", setup: setup{env: []string{"RUNPOD_PROVISION_TIMEOUT=2s"}}, before: next(fakerunpod.Fate{StaysProvisioning: true}), pods: 2,
			says: []string{"another one"}},
		{group: pod, name: "RUNNING and never answers", setup: setup{env: []string{"RUNPOD_READY_TIMEOUT=4s"}}, before: next(fakerunpod.Fate{NeverAnswers: true}), pods: 2,
			says: []string{"another one"}},
		{group: pod, name: "no pod ever answers", setup: setup{env: []string{"RUNPOD_READY_TIMEOUT=100ms"}},
			before: next(fakerunpod.Fate{NeverAnswers: true}, fakerunpod.Fate{NeverAnswers: true}, fakerunpod.Fate{NeverAnswers: true}, fakerunpod.Fate{NeverAnswers: true}, fakerunpod.Fate{NeverAnswers: true}),
			want:   "failed", says: []string{"5 times in a row", "did not answer within 100ms"}, pods: 5},
		{group: pod, name: "its program keeps exiting", before: func(w *world) { w.die("loading", 1000) }, want: "failed", says: []string{"5 times in a row without getting further"}, pods: 1},
	}
	add := func(f fault, before, during func(*world)) {
		f.before, f.during = before, during
		list = append(list, f)
	}
	evict := func(status string) func(*world) { return func(w *world) { w.sim.Evict("", status) } }
	b, d := at("training", func(w *world) { w.sim.Crash("") })
	add(fault{group: pod, name: "restarts with an empty disk", says: []string{"empty disk; the training begins anew, with", "of its time left"}, pods: 1}, b, d)
	b, d = held("artifact", func(w *world) { w.sim.Crash("") })
	add(fault{group: pod, name: "restarts with an empty disk while an artefact is pulled", says: []string{"empty disk; the training begins anew"}, pods: 1}, b, d)
	b, d = at("training", func(w *world) { w.sim.Crash("") })
	add(fault{group: pod, name: "restarts with its network volume", setup: setup{env: vol}, says: []string{"(start 2 on its disk); the training goes on from its last checkpoint"}, pods: 1}, b, d)
	b, d = held("training", evict("EXITED"))
	add(fault{group: pod, name: "is stopped by RunPod", says: []string{"another one"}, pods: 2}, b, d)
	b, d = held("training", evict("TERMINATED"))
	add(fault{group: pod, name: "vanishes", says: []string{"another one"}, pods: 2}, b, d)
	b, d = held("training", evict("TERMINATED"))
	add(fault{group: pod, name: "vanishes, its network volume stays", setup: setup{env: vol}, says: []string{"another one"}, pods: 2}, b, d)
	b, d = held("training", evict("ERROR"))
	add(fault{group: pod, name: "goes to ERROR", says: []string{"another one"}, pods: 2}, b, d)
	b, d = held("artifact", evict("TERMINATED"))
	add(fault{group: pod, name: "vanishes while an artefact is pulled", says: []string{"another one"}, pods: 2}, b, d)
	b, d = held("training", func(w *world) { w.sim.Broke() })
	add(fault{group: pod, name: "the account runs out of balance", want: "failed", says: []string{"not enough credit"}, pods: 1}, b, d)
	b, d = held("training", func(w *world) {
		w.sim.Freeze("", true)
		w.await("another pod is rented", func() bool { return len(w.sim.State().Pods) == 2 })
	})
	add(fault{group: pod, name: "hangs: the proxy answers 524", setup: setup{env: []string{"RUNPOD_SILENCE=4s"}, options: func(o *fakerunpod.Options) { o.ProxyLimit = time.Second }},
		says: []string{"another one"}, pods: 2}, b, d)
	b, d = held("training", func(w *world) {
		w.sim.Mute("", true)
		time.Sleep(500 * time.Millisecond) // a proxy's bad moment is a length of time
		w.sim.Mute("", false)
	})
	add(fault{group: pod, name: "cannot be reached for a while: nothing is lost", pods: 1}, b, d)
	b, d = held("training", func(w *world) {
		if status, answer := w.do("DELETE", "/v1/jobs/"+jobID, nil); status != 202 {
			w.Errorf("cancel: %d %s", status, answer)
		}
	})
	add(fault{group: pod, name: "the job is cancelled", want: "cancelled", pods: 1}, b, d)
	// again starts the trainer anew, configured differently.
	again := func(w *world, env ...string) {
		w.kill()
		w.start(env...)
	}
	waits := func(w *world, words string) {
		w.await("the job waits: "+words, func() bool { return strings.Contains(w.get().Waiting, words) })
	}
	b, d = held("training", func(w *world) {
		again(w, "RUNPOD_API_KEY=wrong")
		waits(w, "does not know the API key")
		again(w)
	})
	add(fault{group: pod, name: "the key is wrong for a while: nothing is lost", pods: 1}, b, d)
	b, d = held("training", func(w *world) {
		again(w, "RUNPOD_API_KEY=")
		waits(w, "started without the provider")
		w.put() // a backend that comes back orders again
		again(w)
	})
	add(fault{group: pod, name: "the key is gone for a while: nothing is lost", pods: 1}, b, d)
	b, d = held("training", func(w *world) {
		again(w, "AGENT_IMAGE=", "TRAINING_PROVIDER=static", "AGENT_URL=http://127.0.0.1:9", "AGENT_TOKEN=another")
	})
	add(fault{group: pod, name: "nothing is rented any more: what was goes on", pods: 1}, b, d)
	b, d = held("training", func(w *world) {
		again(w, "RUNPOD_API_KEY=wrong")
		waits(w, "does not know the API key")
		for _, want := range []int{202, 503} {
			if status, answer := w.do("DELETE", "/v1/jobs/"+jobID, nil); status != want {
				w.Errorf("DELETE: %d, not %d: %s", status, want, answer)
			}
		}
		again(w)
	})
	add(fault{group: pod, name: "the job is cancelled and removed while its pod cannot be ended", want: "cancelled", pods: 1}, b, d)
	b, d = held("training", func(w *world) {
		w.kill()
		w.await2("the agent ends its pod", func() bool { return w.alive() == 0 })
	})
	add(fault{group: pod, name: "nobody comes back: it ends itself", setup: setup{env: []string{"RUNPOD_CONTACT_TIMEOUT=4s"}}, says: []string{"another one"}, pods: 2}, b, d)

	steps := []string{"FAKE_STEPS=100000", "FAKE_PAUSE=20ms"}
	list = append(list,
		fault{group: limits, name: "the deadline: what was reached is kept", setup: setup{agent: steps}, spec: map[string]any{"deadlineSeconds": 5}, early: true, pods: 1},
		fault{group: limits, name: "the budget: what was reached is kept", setup: setup{agent: steps, options: dear, env: []string{"RUNPOD_MAX_HOURLY_USD=100", "RUNPOD_MIN_TIME=1s"}},
			spec: map[string]any{"maxCostUSD": 6 * dearUSD}, early: true, pods: 1},
		fault{group: limits, name: "a budget too small for anything", spec: map[string]any{"maxCostUSD": 0.0001}, want: "failed", says: []string{"No GPU can be rented", "maxCostUSD"}},
		fault{group: limits, name: "a price limit below every GPU", setup: setup{env: []string{"RUNPOD_MAX_HOURLY_USD=0.01"}}, want: "failed", says: []string{"RUNPOD_MAX_HOURLY_USD"}},
		fault{group: limits, name: "a GPU that the catalogue has not", spec: map[string]any{"gpuCandidates": []string{"NVIDIA Z1"}}, want: "failed", says: []string{"none of the GPUs asked for (NVIDIA Z1)", "NVIDIA L4"}},
		fault{group: limits, name: "a network volume that is not there", setup: setup{env: []string{"RUNPOD_VOLUME_ID=nope"}}, want: "failed", says: []string{"no network volume nope"}},
	)
	// Three of eight seconds are gone, by the clock or by the bill, when the disk is lost.
	long := setup{agent: steps, options: dear, env: []string{"RUNPOD_MAX_HOURLY_USD=100", "RUNPOD_MIN_TIME=1s"}}
	b, d = at("training", func(w *world) {
		w.await("a pod was there for three seconds", func() bool { return w.sim.State().SpentUSD >= 3*dearUSD })
		w.sim.Crash("")
		w.await("what is left is told", func() bool { _, told := w.timeLeft(); return told })
		if left, _ := w.timeLeft(); left > 5*time.Second {
			w.Errorf("%s are left of eight seconds when three are gone", left)
		}
	})
	add(fault{group: limits, name: "an empty disk, and what the deadline leaves is used", setup: long, spec: map[string]any{"deadlineSeconds": 8}, early: true,
		says: []string{"empty disk; the training begins anew, with"}, pods: 1}, b, d)
	add(fault{group: limits, name: "an empty disk, and what the budget leaves is used", setup: long, spec: map[string]any{"maxCostUSD": 8 * dearUSD}, early: true,
		says: []string{"empty disk; the training begins anew, with"}, pods: 1}, b, d)
	b, d = held("converting", func(w *world) {
		since := time.Now() // a deadline is a length of time
		w.await("the deadline is passed", func() bool { return time.Since(since) > 4*time.Second })
		w.sim.Crash("")
	})
	add(fault{group: limits, name: "an empty disk past the deadline", setup: setup{agent: steps, env: []string{"AGENT_GRACE=1m"}}, spec: map[string]any{"deadlineSeconds": 4}, want: "failed",
		says: []string{"deadline of 4 s passed, and what was trained until then was lost", "RUNPOD_VOLUME_ID"}, pods: 1}, b, d)
	b, d = held("converting", func(w *world) { w.await("the job ends", func() bool { return w.get().finished() }) })
	add(fault{group: limits, name: "the deadline, and nothing is handed over", setup: setup{env: []string{"AGENT_GRACE=300ms"}}, spec: map[string]any{"deadlineSeconds": 4},
		want: "failed", says: []string{"deadline of 4 s passed", "did not hand over a result within 300ms"}, pods: 1}, b, d)
	b, d = held("training", func(w *world) {
		w.sim.Evict("", "TERMINATED")
		w.await("it ends", func() bool { return w.get().finished() })
	})
	add(fault{group: limits, name: "a pod vanishes and the budget buys no other", setup: setup{options: func(o *fakerunpod.Options) {
		dear(o)
		o.Provisioning = 1500 * time.Millisecond
	}, env: []string{"RUNPOD_MAX_HOURLY_USD=100"}}, spec: map[string]any{"maxCostUSD": 1.21}, want: "failed", says: []string{"No GPU can be rented", "maxCostUSD"}, pods: 1}, b, d)
	return list
}

// await2 is await for a world whose trainer shall stay dead.
func (w *world) await2(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(w.wait); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("never happened: %s; %+v", what, w.sim.State())
		}
	}
}

var timeLeft = regexp.MustCompile(`with (\S+) of its time left`)

// timeLeft is what the job's notes say of the time that a training begun anew
// has; told is false while they say nothing.
func (w *world) timeLeft() (left time.Duration, told bool) {
	found := timeLeft.FindStringSubmatch(strings.Join(w.get().Notes, " "))
	if found == nil {
		return 0, false
	}
	left, err := time.ParseDuration(found[1])
	if err != nil {
		w.Error(err)
	}
	return left, true
}

func TestFaults(t *testing.T) {
	for _, f := range theFaults() {
		t.Run(f.group+": "+f.name, func(t *testing.T) {
			t.Parallel()
			f.play(t)
		})
	}
}

// play has a trainer of its own meet the fault, and returns how the job ended.
func (f fault) play(t *testing.T) job {
	w := newWorld(t, f.setup)
	var j job
	w.tell(f.group, f.name, time.Now(), &j)
	if f.setup.real {
		w.realSpec()
	}
	for k, v := range f.spec {
		w.spec[k] = v
	}
	if f.before != nil {
		f.before(w)
	}
	w.start()
	w.put()
	if f.during != nil {
		f.during(w)
	}
	j = w.result()
	j = w.settled()
	f.check(w, j)
	return j
}

func (f fault) check(w *world, j job) {
	w.Helper()
	want := f.want
	if want == "" {
		want = "succeeded"
	}
	if j.State != want || j.StoppedEarly != f.early {
		w.Errorf("the job is %s (stopped early: %t): %s\n%s", j.State, j.StoppedEarly, j.Error, w.printed())
	}
	said := j.Error + " " + strings.Join(j.Notes, " ")
	for _, words := range f.says {
		if !strings.Contains(said, words) {
			w.Errorf("%q does not say %q", said, words)
		}
	}
	if n := len(w.sim.State().Pods); f.pods >= 0 && n != f.pods {
		w.Errorf("%d pods were rented, not %d; agents: %s\n%s", n, f.pods, w.events(), w.printed())
	}
	if strings.Contains(w.printed(), apiKey) {
		w.Error("the API key is in the log")
	}
}
