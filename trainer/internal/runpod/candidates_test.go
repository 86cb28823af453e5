package runpod

import (
	"fmt"
	"strings"
	"testing"

	"understudy.dev/trainer"
)

var shelf = []GPUType{
	{ID: "NVIDIA H100", Name: "H100", Manufacturer: "NVIDIA", Memory: 80, Secure: true, Price: GPUPrice{Secure: 2.99}, Availability: High, DataCenters: []Stock{{"US-1", High}}},
	{ID: "NVIDIA L4", Name: "L4", Manufacturer: "NVIDIA", Memory: 24, Secure: true, Price: GPUPrice{Secure: 0.43}, Availability: Medium, DataCenters: []Stock{{"EU-1", Low}, {"EU-2", Medium}, {"EU-3", None}}},
	{ID: "NVIDIA A40", Name: "A40", Manufacturer: "NVIDIA", Memory: 48, Secure: true, Community: true, Price: GPUPrice{Secure: 0.40, Community: 0.2}, Availability: None},
	{ID: "NVIDIA T4", Name: "T4", Manufacturer: "NVIDIA", Memory: 8, Secure: true, Price: GPUPrice{Secure: 0.1}, Availability: High},
	{ID: "AMD MI300X", Name: "MI300X", Manufacturer: "AMD", Memory: 192, Secure: true, Price: GPUPrice{Secure: 0.3}, Availability: High},
}

func TestCandidatesAreRanked(t *testing.T) {
	for name, c := range map[string]struct {
		provider *Provider
		spec     trainer.Spec
		spent    float64
		places   []string
		want     string // or what the error says
	}{
		"the cheapest that fits and is in stock, its best places first": {provider: &Provider{MaxHourlyUSD: 1}, want: "NVIDIA L4 in EU-2, NVIDIA L4 in EU-1, NVIDIA L4, NVIDIA A40"},
		"what the job asks for, in its order":                           {provider: &Provider{MaxHourlyUSD: 5, GPUs: []string{"NVIDIA L4"}}, spec: trainer.Spec{GPUCandidates: []string{"h100", "NVIDIA A40"}}, want: "NVIDIA H100 in US-1, NVIDIA H100, NVIDIA A40"},
		"else what the configuration ranks":                             {provider: &Provider{GPUs: []string{"A40"}}, want: "NVIDIA A40"},
		"places that are named":                                         {provider: &Provider{MaxHourlyUSD: 0.42}, places: []string{"EU-9", "EU-1"}, want: "NVIDIA A40 in EU-9, NVIDIA A40 in EU-1"},
		"prices of the cloud":                                           {provider: &Provider{Cloud: Community, MaxHourlyUSD: 0.25}, want: "NVIDIA A40"},
		"nothing above the limit":                                       {provider: &Provider{MaxHourlyUSD: 0.05}, want: "RUNPOD_MAX_HOURLY_USD allows $0.05"},
		"nothing that the budget buys too little of":                    {provider: &Provider{MaxHourlyUSD: 1}, spec: trainer.Spec{MaxCostUSD: 1}, spent: 0.999, want: "only $0.0010 is left"},
		"nothing that is not there":                                     {spec: trainer.Spec{GPUCandidates: []string{"Z1"}}, want: "none of the GPUs asked for (Z1)"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.provider == nil {
				c.provider = &Provider{}
			}
			p := c.provider.Defaults()
			list, err := p.rank(trainer.Order{JobID: "j", Spec: c.spec, SpentUSD: c.spent}, shelf, c.places)
			var got []string
			for _, x := range list {
				got = append(got, x.String())
			}
			switch text := strings.Join(got, ", "); {
			case err != nil && (trainer.CodeOf(err) == "" || !strings.Contains(err.Error(), c.want)):
				t.Errorf("fails with %v", err)
			case err == nil && text != c.want:
				t.Errorf("ranked %s", text)
			}
		})
	}
}

func TestAPlaceWhereAPodDidNotComeUpIsLast(t *testing.T) {
	p := (&Provider{MaxHourlyUSD: 1}).Defaults()
	p.shun("j", trainer.Agent{GPU: "NVIDIA L4", Where: "EU-2"})
	list, err := p.rank(trainer.Order{JobID: "j"}, shelf, nil)
	if got := fmt.Sprint(list); err != nil || got != "[NVIDIA L4 in EU-1 NVIDIA A40 NVIDIA L4 in EU-2 NVIDIA L4]" {
		t.Errorf("ranked %s, %v", got, err)
	}
}
