package runpod

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"understudy.dev/trainer"
)

// candidate is one thing to ask RunPod for.
type candidate struct {
	gpu   GPUType
	where string  // a data centre; "" leaves it to RunPod
	price float64 // USD an hour
}

func (c candidate) String() string {
	if c.where == "" {
		return c.gpu.ID
	}
	return c.gpu.ID + " in " + c.where
}

const (
	minMemoryGB   = 12 // for LoRA on the catalogue's bases, where nobody names a GPU
	placesOfEach  = 3  // data centres tried for one GPU, where nobody names them
	maxCandidates = 40
)

// rank orders what to ask for: GPUs as the job or the configuration ranks them,
// else the cheapest first; those in stock before the others; for each GPU its
// data centres. Nothing above the price limit or the job's budget is in it.
func (p *Provider) rank(o trainer.Order, catalogue []GPUType, places []string) ([]candidate, error) {
	wanted := o.Spec.GPUCandidates
	if len(wanted) == 0 {
		wanted = p.GPUs
	}
	var gpus []GPUType
	var unknown []string
	for _, name := range wanted {
		i := slices.IndexFunc(catalogue, func(g GPUType) bool { return strings.EqualFold(g.ID, name) || strings.EqualFold(g.Name, name) })
		if i < 0 {
			unknown = append(unknown, name)
			continue
		}
		gpus = append(gpus, catalogue[i])
	}
	if len(wanted) > 0 && len(gpus) == 0 {
		return nil, trainer.Errorf(trainer.Broken, "RunPod's catalogue has none of the GPUs asked for (%s). It has: %s.", strings.Join(unknown, ", "), names(catalogue))
	}
	if len(wanted) == 0 {
		for _, g := range catalogue {
			if g.Manufacturer == "NVIDIA" && g.Memory >= minMemoryGB {
				gpus = append(gpus, g)
			}
		}
		slices.SortStableFunc(gpus, func(a, b GPUType) int {
			return cmp.Or(cmp.Compare(empty(a.Availability), empty(b.Availability)), cmp.Compare(p.price(a), p.price(b)))
		})
	}
	var list []candidate
	dear := ""
	for _, g := range gpus {
		price := p.price(g)
		switch left := o.Spec.MaxCostUSD - o.SpentUSD; {
		case price <= 0: // not in this cloud
		case p.MaxHourlyUSD > 0 && price > p.MaxHourlyUSD:
			dear = cmp.Or(dear, fmt.Sprintf("%s costs $%.2f an hour, and RUNPOD_MAX_HOURLY_USD allows $%.2f", g.ID, price, p.MaxHourlyUSD))
		case o.Spec.MaxCostUSD > 0 && left < price*p.MinTime.Hours():
			dear = cmp.Or(dear, fmt.Sprintf("%s costs $%.2f an hour, and of the job's budget (maxCostUSD) of $%.4f only $%.4f is left", g.ID, price, o.Spec.MaxCostUSD, max(left, 0)))
		default:
			for _, where := range placesFor(g, places) {
				list = append(list, candidate{g, where, price})
			}
		}
	}
	if len(list) == 0 {
		return nil, trainer.Errorf(trainer.Broken, "No GPU can be rented: %s.", cmp.Or(dear, "RunPod's catalogue has none that fits in the cloud "+string(p.Cloud)))
	}
	// What failed to start comes last.
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(p.failures(o.JobID, a), p.failures(o.JobID, b)) })
	return list[:min(len(list), maxCandidates)], nil
}

func empty(a Availability) int {
	if a == None {
		return 1
	}
	return 0
}

func (p *Provider) price(g GPUType) float64 {
	if p.Cloud == Community {
		if !g.Community {
			return 0
		}
		return g.Price.Community
	}
	if !g.Secure {
		return 0
	}
	return g.Price.Secure
}

// placesFor orders the data centres for a GPU: those named, else the best
// stocked ones, and at last whatever RunPod finds.
func placesFor(g GPUType, named []string) []string {
	if len(named) > 0 {
		return named
	}
	level := func(s Stock) int { return slices.Index([]Availability{High, Medium, Low}, s.Availability) }
	stocked := slices.DeleteFunc(slices.Clone(g.DataCenters), func(s Stock) bool { return level(s) < 0 })
	slices.SortStableFunc(stocked, func(a, b Stock) int { return cmp.Compare(level(a), level(b)) })
	var list []string
	for _, s := range stocked[:min(len(stocked), placesOfEach)] {
		list = append(list, s.ID)
	}
	return append(list, "")
}

func names(catalogue []GPUType) string {
	var list []string
	for _, g := range catalogue {
		list = append(list, g.ID)
	}
	return strings.Join(list, ", ")
}

func (p *Provider) failures(job string, c candidate) int {
	p.avoid.Lock()
	defer p.avoid.Unlock()
	return p.avoid.failed[job+"|"+c.String()]
}

// shun puts a place last for a job whose pod did not come up there.
func (p *Provider) shun(job string, a trainer.Agent) {
	p.avoid.Lock()
	defer p.avoid.Unlock()
	for _, where := range []string{a.Where, ""} {
		p.avoid.failed[job+"|"+candidate{gpu: GPUType{ID: a.GPU}, where: where}.String()]++
	}
}

// places are the data centres to ask for.
func (p *Provider) places(ctx context.Context) ([]string, error) {
	if p.VolumeID == "" {
		return p.DataCenters, nil
	}
	v, err := p.Client.Volume(ctx, p.VolumeID)
	switch {
	case Gone(err):
		return nil, trainer.Errorf(trainer.Broken, "RunPod has no network volume %s. Set RUNPOD_VOLUME_ID to one that exists, or leave it empty.", p.VolumeID)
	case err != nil:
		return nil, final(err)
	}
	return []string{v.DataCenter}, nil
}

// rent asks for one candidate after the other.
func (p *Provider) rent(ctx context.Context, o trainer.Order) (trainer.Agent, error) {
	if cmp.Or(o.Spec.Image, p.Image) == "" {
		return trainer.Agent{}, trainer.Errorf(trainer.Broken, "AGENT_IMAGE is not set any more, so another pod would have nothing to run. Set it, then retry.")
	}
	places, err := p.places(ctx)
	if err != nil {
		return trainer.Agent{}, err
	}
	catalogue, err := p.Client.GPUs(ctx, p.Cloud)
	if err != nil {
		return trainer.Agent{}, final(err)
	}
	list, err := p.rank(o, catalogue, places)
	if err != nil {
		return trainer.Agent{}, err
	}
	o.Account.Hiring()
	var refused error // the last refusal
	full, barred := 0, 0
	for _, c := range list {
		pod, err := p.Client.Create(ctx, p.order(o, c))
		switch {
		case err == nil:
			a := p.agent(o, pod)
			a.GPU, a.HourlyUSD = cmp.Or(a.GPU, c.gpu.ID), cmp.Or(a.HourlyUSD, c.price)
			slog.Info("pod rented", "job", o.JobID, "pod", a.ID, "gpu", a.GPU, "where", a.Where, "hourlyUSD", a.HourlyUSD)
			o.Account.Hired(a)
			return a, ctx.Err()
		case NoCapacity(err):
			full++
		case StatusOf(err) == http.StatusForbidden:
			barred++
		case StatusOf(err) == http.StatusBadRequest:
		default:
			return trainer.Agent{}, final(err)
		}
		slog.Info("candidate refused", "job", o.JobID, "candidate", c.String(), "error", err)
		refused = err
		if ctx.Err() != nil {
			return trainer.Agent{}, context.Cause(ctx)
		}
	}
	switch {
	case full > 0:
		return trainer.Agent{}, fmt.Errorf("%w: %d candidates were asked for, from %s to %s; the last answer: %v", errFull, len(list), list[0], list[len(list)-1], refused)
	case barred == len(list):
		return trainer.Agent{}, trainer.Errorf(trainer.Broken, "RunPod lets this API key rent none of the %d candidates, from %s to %s. Name others (RUNPOD_GPUS, RUNPOD_CLOUD), or give the key access. (%v)", len(list), list[0], list[len(list)-1], refused)
	}
	return trainer.Agent{}, trainer.Errorf(trainer.Broken, "RunPod refuses every one of %d candidates, and not for want of machines: %v", len(list), refused)
}
