package play

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"understudy.dev/backend/internal/wire"
)

const providerRunPod = "runpod"

// Pod is what a training on rented machines was.
type Pod struct {
	Simulated bool     `json:"simulated"` // nothing was rented and nothing was paid
	ID        string   `json:"id"`
	GPU       string   `json:"gpu"`
	Where     string   `json:"where"`
	Machines  int      `json:"machines"`
	BilledUSD *float64 `json:"billedUSD"` // null where the bill did not have it yet
	// Of a simulation only: pods that were left, and transfers that were resumed.
	Left    int `json:"left"`
	Resumed int `json:"resumed"`
}

func (p *Pod) words(usd float64) string {
	what := "RunPod"
	if p.Simulated {
		what = "a simulated RunPod (a process here; nothing was rented or paid)"
	}
	text := fmt.Sprintf("%s: %s in %s, $%.4f by price and time", what, p.GPU, p.Where, usd)
	if p.BilledUSD != nil {
		text += fmt.Sprintf(", $%.4f by its bill", *p.BilledUSD)
	}
	if p.Machines > 1 {
		text += fmt.Sprintf(", %d pods", p.Machines)
	}
	return text
}

func (p *play) simulated() string {
	if p.Simulation == "" {
		return ""
	}
	return " at the simulated RunPod"
}

// billPatience is how long the play waits for a pod's end and its bill.
const billPatience = 20 * time.Second

// trained reports who trained, and shows what it cost.
func (p *play) trained(ctx context.Context, m wire.Model) error {
	r := &p.report
	r.Provider = m.Training.Provider
	if r.Provider != providerRunPod {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, billPatience)
	defer cancel()
	err := await(waiting, 200*time.Millisecond, func() (bool, error) {
		now, err := p.API.Model(waiting, m.ID)
		if err == nil {
			m = now
		}
		return m.Training.CostBasis == wire.Bill, err
	})
	if err != nil && waiting.Err() == nil {
		return fmt.Errorf("ask what the training cost: %w", err)
	}
	if len(m.Training.Rentals) == 0 {
		return fmt.Errorf("%s was trained at RunPod, but its record names no pod", m.Name)
	}
	rented := m.Training.Rentals[len(m.Training.Rentals)-1]
	r.TrainingUSD = rented.EstimateUSD
	r.Pod = &Pod{Simulated: p.Simulation != "", ID: rented.Machine, GPU: rented.GPU, Where: rented.Where, Machines: rented.Machines, BilledUSD: rented.BilledUSD}
	if p.Simulation != "" {
		if err := p.simulation(ctx, r.Pod); err != nil {
			return err
		}
	}
	p.Display.Say("     trained on %s; the pod is ended", r.Pod.words(r.TrainingUSD))
	return nil
}

// simulation asks the simulated RunPod what is left.
func (p *play) simulation(ctx context.Context, pod *Pod) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Simulation+"/admin/state", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the simulated RunPod: %w", err)
	}
	defer res.Body.Close()
	var state struct {
		Alive   int `json:"alive"`
		Resumed int `json:"resumed"`
	}
	if err := json.NewDecoder(res.Body).Decode(&state); err != nil {
		return fmt.Errorf("ask the simulated RunPod: %w", err)
	}
	pod.Left, pod.Resumed = state.Alive, state.Resumed
	return nil
}
