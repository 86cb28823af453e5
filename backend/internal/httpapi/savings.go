package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

// Prices is what the ledger reckons with.
type Prices struct {
	List       wire.PriceList
	Rates      understudy.Rates
	Processors int // of this machine, for trainings that ran on it
}

func (a *API) savingsRoutes() {
	handle(a, a.operation(http.MethodGet, "/savings", "savings", "Status", "Show what the understudies save and cost", 200), a.savings)
}

func (a *API) savings(ctx context.Context, in *struct {
	Days     int    `query:"days" minimum:"1" maximum:"3660" default:"30" doc:"How many days, today among them"`
	Endpoint string `query:"endpoint" doc:"Only of this one"`
}) (*body[wire.Savings], error) {
	ledgers, err := a.ledgers(ctx, in.Endpoint, in.Days)
	if err != nil {
		return nil, err
	}
	unpriced, err := a.unpriced(ctx)
	if err != nil {
		return nil, err
	}
	out := wire.Savings{
		Currency: "USD", Days: in.Days, Prices: a.Prices.List, SLMCPUUSDPerHour: a.Prices.Rates.CPUHour, SLMPodUSDPerHour: a.Prices.Rates.PodHour,
		Totals: ledgerOf(understudy.SumLedgers(ledgers)), Endpoints: []wire.EndpointLedger{}, Unpriced: unpriced,
	}
	for _, l := range ledgers {
		out.Endpoints = append(out.Endpoints, wire.EndpointLedger{Endpoint: l.Endpoint, Ledger: ledgerOf(l), BreakEvenRequests: l.BreakEven, Notes: list(l.Notes)})
	}
	return answer(out), nil
}

// ledgers makes those of the endpoints on which something was, by name.
func (a *API) ledgers(ctx context.Context, endpoint string, days int) ([]understudy.Ledger, error) {
	now := a.Now().UTC()
	since := now.AddDate(0, 0, 1-days).Truncate(24 * time.Hour)
	facts, err := a.DB.Days(ctx, endpoint, since)
	if err != nil {
		return nil, err
	}
	models, err := a.DB.Models(ctx, understudy.ModelFilter{Endpoint: endpoint})
	if err != nil {
		return nil, err
	}
	byEndpoint, trainings := map[string][]understudy.DayFacts{}, map[string][]understudy.TrainingCost{}
	var names []string
	for _, f := range facts {
		byEndpoint[f.Endpoint] = append(byEndpoint[f.Endpoint], f)
		names = append(names, f.Endpoint)
	}
	for _, m := range models {
		local := a.Mode == "local" && m.Training.Provider == "local"
		for _, c := range understudy.CostsOf(m, local, a.Prices.Processors, a.Prices.Rates.CPUHour, now) {
			if c.Day >= since.Format(time.DateOnly) {
				trainings[m.Endpoint] = append(trainings[m.Endpoint], c)
				names = append(names, m.Endpoint)
			}
		}
	}
	slices.Sort(names)
	var out []understudy.Ledger
	for _, name := range slices.Compact(names) {
		out = append(out, understudy.NewLedger(name, byEndpoint[name], trainings[name], a.Prices.Rates))
	}
	return out, nil
}

// unpriced names the upstream models that endpoints use and no list prices.
func (a *API) unpriced(ctx context.Context) ([]string, error) {
	endpoints, err := a.DB.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, e := range endpoints {
		for _, u := range a.Upstreams {
			if _, priced := u.Prices[e.UpstreamModel]; u.Name == e.Upstream && !priced {
				names = append(names, e.UpstreamModel)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func ledgerOf(l understudy.Ledger) wire.Ledger {
	w := wire.Ledger{LedgerLine: lineOfLedger(l.Sum), Low: l.Low, High: l.High, Days: []wire.LedgerDay{}}
	for _, d := range l.Days {
		w.Days = append(w.Days, wire.LedgerDay{Day: d.Day, LedgerLine: lineOfLedger(d)})
	}
	return w
}

func lineOfLedger(d understudy.LedgerDay) wire.LedgerLine {
	return wire.LedgerLine{
		Requests: d.LLM + d.SLM, LLMRequests: d.LLM, SLMRequests: d.SLM, SampledRequests: d.Sample, TokensIn: d.TokensIn, TokensOut: d.TokensOut,
		SpentUSD: d.SpentUSD, NotSpentUSD: d.NotSpentUSD, ServingUSD: d.ServingUSD, TrainingUSD: d.TrainingUSD, TrainingHours: d.Rented.Hours(), SampleUSD: d.SampleUSD,
		NetUSD: d.NetUSD, CPUSeconds: d.CPU.Seconds(), PodHours: d.Pods.Hours(), Estimated: d.Estimated,
	}
}
