package wire

import understudy "understudy.dev/backend"

// Savings is the ledger: what was not spent, set against what was.
type Savings struct {
	Currency         string           `json:"currency" enum:"USD"`
	Days             int              `json:"days"`
	Prices           PriceList        `json:"prices"`
	SLMCPUUSDPerHour float64          `json:"slmCPUUSDPerHour" doc:"Of one processor's time (UNDERSTUDY_CPU_USD_PER_HOUR)"`
	SLMPodUSDPerHour float64          `json:"slmPodUSDPerHour" doc:"Of a pod that stands ready, beside its processor time (UNDERSTUDY_POD_USD_PER_HOUR)"`
	Totals           Ledger           `json:"totals"`
	Endpoints        []EndpointLedger `json:"endpoints"`
	Unpriced         []string         `json:"unpriced" doc:"Models that the price list does not know: their requests count as nothing"`
}

// PriceList is where the prices come from.
type PriceList struct {
	Source string                      `json:"source"`
	Date   string                      `json:"date"`
	Unit   string                      `json:"unit"`
	Models map[string]understudy.Price `json:"models"`
}

// EndpointLedger is one endpoint's.
type EndpointLedger struct {
	Endpoint string `json:"endpoint"`
	Ledger
	BreakEvenRequests *int64   `json:"breakEvenRequests,omitempty" doc:"So many requests that the SLM can serve pay for the trainings; absent where they never do, or none was served yet"`
	Notes             []string `json:"notes" doc:"What is estimated, and how"`
}

// Ledger is sums over the days, and the days.
type Ledger struct {
	LedgerLine
	Low  float64     `json:"low" doc:"What netUSD lies between"`
	High float64     `json:"high"`
	Days []LedgerDay `json:"days" doc:"Oldest first, UTC; days without anything are left out"`
}

// LedgerDay is one day.
type LedgerDay struct {
	Day string `json:"day" example:"2026-11-27"`
	LedgerLine
}

// LedgerLine is money, in US dollars, and what it is for. A loss is negative.
type LedgerLine struct {
	Requests        int64   `json:"requests"`
	LLMRequests     int64   `json:"llmRequests"`
	SLMRequests     int64   `json:"slmRequests"`
	SampledRequests int64   `json:"sampledRequests" doc:"Among llmRequests: drawn for the teacher although the SLM could"`
	TokensIn        int64   `json:"tokensIn"`
	TokensOut       int64   `json:"tokensOut"`
	SpentUSD        float64 `json:"spentUSD" doc:"On the LLM's answers, samples too"`
	NotSpentUSD     float64 `json:"notSpentUSD" doc:"What the LLM would have charged for the SLM's answers"`
	ServingUSD      float64 `json:"servingUSD" doc:"Processor time and pod hours of the SLM"`
	TrainingUSD     float64 `json:"trainingUSD" doc:"Of rented machines by their bill, or by price and time until that is known; of trainings on this machine by its processors' time"`
	TrainingHours   float64 `json:"trainingPodHours" doc:"Hours that machines were rented for trainings"`
	SampleUSD       float64 `json:"sampleUSD" doc:"Of spentUSD: the price of going on learning"`
	NetUSD          float64 `json:"netUSD" doc:"notSpentUSD - servingUSD - trainingUSD - sampleUSD"`
	CPUSeconds      float64 `json:"cpuSeconds" doc:"Measured processor time of the SLM's pods"`
	PodHours        float64 `json:"podHours" doc:"Hours that the SLM's pods stood ready"`
	Estimated       bool    `json:"estimated" doc:"Something in it is an estimate; notes say what"`
}
