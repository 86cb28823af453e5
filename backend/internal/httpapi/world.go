package httpapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

func (a *API) worldRoutes() {
	op := a.operation(http.MethodGet, "/world", "world", "Status", "Show pods, services, volumes and jobs", 200)
	op.Description = "Of the namespace; on one machine the processes and folders that stand for them. At most two seconds old."
	handle(a, op, a.showWorld)
}

// worldFor is how long one look at the world serves all who ask.
const worldFor = 2 * time.Second

type world struct {
	mu   sync.Mutex
	at   time.Time
	seen understudy.World
}

func (a *API) look(ctx context.Context) (understudy.World, error) {
	if a.Observer == nil {
		return understudy.World{}, nil
	}
	w := &a.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := a.Now(); w.at.IsZero() || now.Sub(w.at) >= worldFor {
		seen, err := a.Observer.World(ctx)
		if err != nil {
			return understudy.World{}, err
		}
		w.at, w.seen = now, seen
	}
	return w.seen, nil
}

func (a *API) showWorld(ctx context.Context, _ *struct{}) (*body[wire.World], error) {
	seen, err := a.look(ctx)
	if err != nil {
		return nil, err
	}
	out := wire.World{Pods: []wire.Pod{}, Services: []wire.Service{}, Volumes: []wire.Volume{}, Jobs: []wire.Job{}}
	for _, p := range seen.Pods {
		out.Pods = append(out.Pods, wire.Pod{Name: p.Name, App: p.App, Release: p.Release, Phase: p.Phase, Ready: p.Ready, Restarts: p.Restarts, Reason: p.Reason, Node: p.Node, StartedAt: p.StartedAt})
	}
	for _, s := range seen.Services {
		out.Services = append(out.Services, wire.Service(s))
	}
	for _, v := range seen.Volumes {
		out.Volumes = append(out.Volumes, wire.Volume{Name: v.Name, Phase: v.Phase, CapacityBytes: v.Capacity, UsedBytes: v.Used, Where: v.Where})
	}
	jobs, err := a.trainings(ctx)
	if err != nil {
		return nil, err
	}
	for _, j := range append(jobs, seen.Jobs...) {
		out.Jobs = append(out.Jobs, wire.Job{Name: j.Name, Kind: j.Kind, State: j.State, Done: j.Done, Total: j.Total, Reason: j.Reason, StartedAt: j.StartedAt})
	}
	return answer(out), nil
}

// trainings are the trainer's jobs as the models' records show them.
func (a *API) trainings(ctx context.Context) (jobs []understudy.JobSeen, err error) {
	models, err := a.DB.Models(ctx, understudy.ModelFilter{Phases: []understudy.Phase{understudy.Training, understudy.Downloading}})
	for _, m := range models {
		state := m.Training.Stage
		if m.Phase == understudy.Downloading || state == "" {
			state = string(m.Phase)
		}
		jobs = append(jobs, understudy.JobSeen{Name: m.Name(), Kind: "training", State: state, Done: m.Training.Step, Total: m.Training.Steps, Reason: m.Reason, StartedAt: m.Training.StartedAt})
	}
	return jobs, err
}
