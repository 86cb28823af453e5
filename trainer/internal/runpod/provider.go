package runpod

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/agent"
)

// Provider rents a pod for each job, ends it, and ends what was left behind.
type Provider struct {
	Client       *Client
	Install      string   // this installation's name, a part of every pod's
	Image        string   // the agent's, for jobs that name none
	Cloud        Cloud    //
	GPUs         []string // ranked, for jobs that name none; empty: the cheapest that fit
	DataCenters  []string // ranked; empty: all
	MaxHourlyUSD float64
	MinTime      time.Duration // that a job's budget has to buy, else nothing is rented
	VolumeID     string        // a network volume for checkpoints and base models; "" is none
	DiskGB       int
	Registry     string // id of a stored registry credential; "" is none
	ProxyURL     string // how a pod's port is reached: {pod} and {port} are replaced
	// Env is handed to every agent, besides what the provider sets.
	Env map[string]string

	ProvisionWithin time.Duration // for a pod to run
	ReadyWithin     time.Duration // and then for its agent to answer
	Contact         time.Duration // an agent that nobody talks to for so long ends its pod
	Quiet           time.Duration // see Silence
	Poll            time.Duration // between two looks at a pod that comes up

	mu    sync.Mutex // held from a look for pods until what was made is accounted for
	avoid struct {
		sync.Mutex
		failed map[string]int // starts that failed, by job, GPU and place
	}
}

// errFull means that nothing is free now.
var errFull = errors.New("no GPU is free at RunPod now")

// Limits and places inside a pod.
const (
	fullPolls  = 12 // looks that a round of candidates without success is worth
	agentPort  = 8000
	volumePath = "/workspace"
	diskDir    = "/var/lib/understudy/agent"
)

// Defaults fills in what was left out.
func (p *Provider) Defaults() *Provider {
	p.Cloud = cmp.Or(p.Cloud, Secure)
	p.MinTime = cmp.Or(p.MinTime, time.Minute)
	p.DiskGB = cmp.Or(p.DiskGB, 40)
	p.ProxyURL = cmp.Or(p.ProxyURL, "https://{pod}-{port}.proxy.runpod.net")
	p.ProvisionWithin = cmp.Or(p.ProvisionWithin, 10*time.Minute)
	p.ReadyWithin = cmp.Or(p.ReadyWithin, 10*time.Minute)
	p.Contact = cmp.Or(p.Contact, 30*time.Minute)
	p.Quiet = cmp.Or(p.Quiet, 10*time.Minute)
	p.Poll = cmp.Or(p.Poll, 5*time.Second)
	p.avoid.failed = map[string]int{}
	return p
}

// Silence is how long a pod that runs may say nothing before another is
// rented: longer than a proxy's bad moment, since its training would be lost.
func (p *Provider) Silence() time.Duration { return p.Quiet }

func (p *Provider) prefix() string { return "understudy-" + p.Install + "-" }

// Name is what a job's pod is called.
func (p *Provider) Name(job string) string { return p.prefix() + job }

// Ensure returns the job's pod once its agent answers. It takes over a pod
// that exists already, whoever made it, before it rents one.
func (p *Provider) Ensure(ctx context.Context, o trainer.Order) (trainer.Agent, error) {
	a, err := p.have(ctx, o)
	if errors.Is(err, errFull) {
		sleep(ctx, fullPolls*p.Poll) // every try costs a part of RunPod's quota
	}
	if err != nil || a.Ready {
		return a, err
	}
	return p.ready(ctx, o, a)
}

// have returns a pod that is accounted for.
func (p *Provider) have(ctx context.Context, o trainer.Order) (trainer.Agent, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o.Previous.ID != "" {
		pod, err := p.Client.Pod(ctx, o.Previous.ID)
		switch {
		case err == nil && !pod.Status.Over():
			return o.Previous, nil
		case err != nil && !Gone(err):
			return trainer.Agent{}, patient(err)
		case err == nil: // stopped, by whomever: its disk goes on to cost, and may never start again
			slog.Warn("pod is over; it is ended", "job", o.JobID, "pod", pod.ID, "status", pod.Status)
			if err := p.end(ctx, o, pod.ID); err != nil {
				return trainer.Agent{}, patient(err)
			}
		default:
			slog.Warn("pod is gone", "job", o.JobID, "pod", o.Previous.ID)
			o.Account.Ended(o.Previous.ID)
		}
		// What it cost stays in SpentUSD, which was reckoned before.
	}
	a, found, err := p.adopt(ctx, o)
	if err != nil || found {
		return a, err
	}
	return p.rent(ctx, o)
}

// adopt takes over a pod of the job's name that a trainer before this one made
// without living to write it down, and ends all others of that name.
func (p *Provider) adopt(ctx context.Context, o trainer.Order) (trainer.Agent, bool, error) {
	pods, err := p.Client.Named(ctx, p.Name(o.JobID))
	if err != nil {
		return trainer.Agent{}, false, final(err)
	}
	var kept *Pod
	for i := range pods {
		pod := &pods[i]
		if !pod.Status.Over() && (kept == nil || pod.CreatedAt.Before(kept.CreatedAt)) {
			kept = pod
		}
	}
	for _, pod := range pods {
		if kept != nil && pod.ID == kept.ID {
			continue
		}
		slog.Warn("a second pod of the job is ended", "job", o.JobID, "pod", pod.ID, "status", pod.Status)
		o.Account.Hired(p.agent(o, pod))
		if err := p.end(ctx, o, pod.ID); err != nil {
			return trainer.Agent{}, false, final(err)
		}
	}
	if kept == nil {
		return trainer.Agent{}, false, nil
	}
	slog.Info("pod taken over", "job", o.JobID, "pod", kept.ID)
	a := p.agent(o, *kept)
	o.Account.Hired(a)
	return a, true, nil
}

// agent is what a pod is to the driver.
func (p *Provider) agent(o trainer.Order, pod Pod) trainer.Agent {
	a := trainer.Agent{
		ID: pod.ID, URL: p.address(pod.ID), Token: o.Token, Owned: true,
		Where: pod.Where(), HourlyUSD: pod.Cost, StartedAt: pod.CreatedAt.UTC(),
	}
	if pod.GPU != nil {
		a.GPU = pod.GPU.ID
	}
	if a.StartedAt.IsZero() {
		a.StartedAt = time.Now().UTC()
	}
	return a
}

func (p *Provider) address(pod string) string {
	return strings.NewReplacer("{pod}", pod, "{port}", strconv.Itoa(agentPort)).Replace(p.ProxyURL)
}

// order is what RunPod is told to make.
func (p *Provider) order(o trainer.Order, c candidate) CreatePod {
	q := CreatePod{
		Name: p.Name(o.JobID), Image: cmp.Or(o.Spec.Image, p.Image), GPU: CreateGPU{ID: c.gpu.ID, Count: 1},
		Cloud: p.Cloud, Disk: p.DiskGB, Ports: []string{strconv.Itoa(agentPort) + "/http"}, Env: maps.Clone(p.Env),
	}
	if q.Env == nil {
		q.Env = map[string]string{}
	}
	dir := diskDir
	if p.VolumeID != "" {
		q.Mounts = &Mounts{Network: []NetworkMount{{VolumeID: p.VolumeID, Path: volumePath}}}
		dir = path.Join(volumePath, "understudy", p.Install, o.JobID)
		q.Env["MODELS_DIR"] = path.Join(volumePath, "understudy", "models")
	}
	if p.Registry != "" {
		q.Registry = &p.Registry
	}
	if c.where != "" {
		q.DataCenterIDs = []string{c.where}
	}
	for k, v := range map[string]string{
		"AGENT_TOKEN":           o.Token,
		"LISTEN_ADDR":           "0.0.0.0:" + strconv.Itoa(agentPort),
		"AGENT_DIR":             dir,
		"AGENT_CONTACT_TIMEOUT": strconv.FormatInt(int64(p.Contact/time.Second), 10),
		"AGENT_DEADLINE":        strconv.FormatInt(p.until(o, c.price).Unix(), 10),
		"AGENT_TERMINATE_URL":   p.Client.URL,
	} {
		q.Env[k] = v
	}
	return q
}

// until is when a pod has to be gone, whatever becomes of us: past the job's
// deadline, or past the moment when its budget is spent, and the grace.
func (p *Provider) until(o trainer.Order, hourlyUSD float64) time.Time {
	end := o.Deadline
	if o.Spec.MaxCostUSD > 0 && hourlyUSD > 0 {
		left := time.Duration((o.Spec.MaxCostUSD - o.SpentUSD) / hourlyUSD * float64(time.Hour))
		if spent := time.Now().Add(left); spent.Before(end) {
			end = spent
		}
	}
	return end.Add(o.Grace).Truncate(time.Second)
}

// end ends a pod and says so.
func (p *Provider) end(ctx context.Context, o trainer.Order, id string) error {
	if err := p.Client.Delete(ctx, id); err != nil {
		return err
	}
	slog.Info("pod ended", "job", o.JobID, "pod", id)
	if o.Account != nil {
		o.Account.Ended(id)
	}
	return nil
}

// End ends every pod of the job.
func (p *Provider) End(ctx context.Context, o trainer.Order) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o.Previous.ID != "" {
		if err := p.end(ctx, o, o.Previous.ID); err != nil {
			return err
		}
	}
	pods, err := p.Client.Named(ctx, p.Name(o.JobID))
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if o.Account != nil {
			o.Account.Hired(p.agent(o, pod))
		}
		if err := p.end(ctx, o, pod.ID); err != nil {
			return err
		}
	}
	return nil
}

// Billed reads what a machine cost from the bill; known is false while that
// does not have it.
func (p *Provider) Billed(ctx context.Context, r trainer.Rental) (usd float64, known bool, err error) {
	return p.Client.Billed(ctx, r.ID, r.StartedAt)
}

// final turns an answer that will be the same next time into a sentence about
// what to do; others stay as they are.
func final(err error) error {
	switch StatusOf(err) {
	case http.StatusUnauthorized:
		return trainer.Errorf(trainer.Broken, "RunPod does not know the API key. Set RUNPOD_API_KEY to a valid one, then retry. (%v)", err)
	case http.StatusPaymentRequired:
		return trainer.Errorf(trainer.Broken, "RunPod's account has not enough credit to rent a pod. Add credit at console.runpod.io, then retry. (%v)", err)
	case http.StatusForbidden:
		return trainer.Errorf(trainer.Broken, "RunPod's API key may not do this. Give RUNPOD_API_KEY read and write access to pods, then retry. (%v)", err)
	case http.StatusGone:
		return trainer.Errorf(trainer.Broken, "This version of RunPod's API is no more. RUNPOD_BASE_URL has to end with /v2. (%v)", err)
	case http.StatusUnprocessableEntity:
		return trainer.Errorf(trainer.Broken, "RunPod says that the request breaks its API's contract. This is a mistake in Understudy, please report it: %v", err)
	}
	return err
}

// patient is final where a pod is rented already: what it makes was paid for,
// so that the job waits until the key or the account is in order again, or
// until its deadline.
func patient(err error) error {
	if said := final(err); trainer.CodeOf(said) != "" {
		return errors.New(said.Error())
	}
	return err
}

// answers asks the agent itself.
func answers(ctx context.Context, a trainer.Agent) error {
	_, err := agent.New(a.URL, a.Token).Status(ctx)
	return err
}

func failedStart(format string, args ...any) error {
	return fmt.Errorf("%w: %w", trainer.ErrStart, fmt.Errorf(format, args...))
}
