package fakerunpod

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"understudy.dev/service/child"
)

// The statuses of a pod.
const (
	provisioning = "PROVISIONING"
	starting     = "STARTING"
	running      = "RUNNING"
	exited       = "EXITED"
	errored      = "ERROR"
	terminated   = "TERMINATED"
)

// pod is one that was created. s.mu guards it.
type pod struct {
	id, name, image, args, status, where, cloud string
	disk                                        int
	ports                                       []string
	env                                         map[string]string
	mounts                                      mounts
	gpu                                         string
	hourly                                      float64
	key                                         string // its own API key
	created                                     time.Time
	started                                     *time.Time
	spans                                       []span // when it was billed
	dir                                         string // everything it has on this machine
	process                                     *child.Process
	url                                         string // where its program listens
	life                                        int    // raised by each change that stops what is under way
	muted                                       bool   // its port answers nothing
	hidden                                      time.Time
	fate                                        Fate
	log                                         lines
	starts                                      int
}

type mounts struct {
	Persistent *persistentMount `json:"persistent,omitempty"`
	Network    []networkMount   `json:"network,omitempty"`
}

type persistentMount struct {
	Size int    `json:"size"`
	Path string `json:"path"`
}

type networkMount struct {
	VolumeID string `json:"volumeId"`
	Path     string `json:"path"`
}

// span is a time that is billed; to is zero while it lasts.
type span struct{ from, to time.Time }

func (p *pod) over() bool { return p.status == terminated }

// bill opens or closes the pod's account.
func (p *pod) bill(on bool, now time.Time) {
	last := len(p.spans) - 1
	open := last >= 0 && p.spans[last].to.IsZero()
	switch {
	case on && !open:
		p.spans = append(p.spans, span{from: now})
	case !on && open:
		p.spans[last].to = now
	}
}

// ended is when the pod was billed last, zero while it is.
func (p *pod) ended() time.Time {
	if len(p.spans) == 0 {
		return p.created
	}
	return p.spans[len(p.spans)-1].to
}

// usd is what the pod has cost until now.
func (p *pod) usd(now time.Time) float64 {
	var sum time.Duration
	for _, s := range p.spans {
		to := s.to
		if to.IsZero() {
			to = now
		}
		sum += to.Sub(s.from)
	}
	return p.hourly * sum.Hours()
}

// view is the pod as the API shows it.
func (p *pod) view(now time.Time) map[string]any {
	v := map[string]any{
		"id": p.id, "name": p.name, "status": p.status, "actions": known.Actions[p.status], "image": p.image, "args": p.args,
		"disk": p.disk, "mounts": p.mounts, "ports": p.ports, "env": p.env, "registry": nil, "gpu": map[string]any{"id": p.gpu, "count": 1},
		"cloud": p.cloud, "dataCenterId": nil, "cudaVersion": nil, "ssh": map[string]any{"proxy": nil, "direct": nil}, "template": nil,
		"cost": p.hourly, "locked": false, "runtime": nil, "createdAt": p.created.UTC().Format(time.RFC3339Nano), "startedAt": nil,
		"globalNetworking": map[string]any{"enabled": false},
	}
	if v["actions"] == nil || p.status == terminated {
		v["actions"] = []string{}
	}
	if p.status != provisioning {
		v["dataCenterId"], v["cudaVersion"] = p.where, "12.8"
	}
	if p.started != nil {
		v["startedAt"] = p.started.UTC().Format(time.RFC3339Nano)
	}
	if p.status == running && p.process != nil {
		v["runtime"] = map[string]any{"uptime": int(now.Sub(*p.started).Seconds()), "gpus": []any{map[string]any{"util": 97, "memoryUtil": 41}},
			"ports": []any{map[string]any{"private": 8000, "public": nil, "type": "http", "ip": nil}}}
	}
	return v
}

// allows reports whether an action is valid now.
func (p *pod) allows(action string) bool { return slices.Contains(known.Actions[p.status], action) }

func newID() string { return strings.ToLower(rand.Text()[:14]) }
