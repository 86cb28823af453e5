package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/wire"
)

func (a *app) savingsCommand() *cobra.Command {
	var days int
	cmd := &cobra.Command{Use: "savings [ENDPOINT]", Short: "Show what the understudies save and cost: the ledger, by endpoint, or by day of one endpoint",
		Long: `Sets what the LLM would have charged for the SLM's answers against what serving,
training and sampling cost. A loss is negative. Prices are list prices, yours
(UNDERSTUDY_PRICES_FILE) before the bundled ones; processor time costs
UNDERSTUDY_CPU_USD_PER_HOUR.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			s, err := api.Savings(cmd.Context(), append(args, "")[0], days)
			if err != nil {
				return err
			}
			return a.printSavings(s, len(args) == 1)
		}}
	cmd.Flags().IntVar(&days, "days", 30, "how many days, today among them")
	return cmd
}

const savingsColumns = "REQUESTS,BY SLM,SPENT ON LLM,NOT SPENT,SERVING,TRAINING,SAMPLE,NET"

func (a *app) printSavings(s wire.Savings, byDay bool) error {
	if a.format == "json" {
		return a.print(s, "", nil)
	}
	var rows [][]string
	header := "ENDPOINT," + savingsColumns + ",RANGE,PAYS AFTER"
	if byDay {
		header = "DAY," + savingsColumns
	}
	for _, e := range s.Endpoints {
		if !byDay {
			rows = append(rows, append(ledgerRow(e.Endpoint, e.LedgerLine), between(e.Ledger), breakEven(e)))
			continue
		}
		for _, d := range e.Days {
			rows = append(rows, ledgerRow(d.Day, d.LedgerLine))
		}
	}
	total := ledgerRow("all", s.Totals.LedgerLine)
	if !byDay {
		total = append(total, between(s.Totals), "")
	}
	if err := a.print(s, header, append(rows, total)); err != nil {
		return err
	}
	for _, e := range s.Endpoints {
		for _, n := range e.Notes {
			fmt.Fprintf(a.out, "%s: %s\n", e.Endpoint, n)
		}
	}
	for _, m := range s.Unpriced {
		fmt.Fprintf(a.out, "The price list does not know %s: its requests count as nothing. Add it in a file named by UNDERSTUDY_PRICES_FILE.\n", m)
	}
	fmt.Fprintf(a.out, "Prices: %s, %s. A processor's hour: %s. Trainings and pods count whatever they served.\n", s.Prices.Source, s.Prices.Date, usd(s.SLMCPUUSDPerHour))
	return nil
}

func ledgerRow(name string, l wire.LedgerLine) []string {
	return []string{name, fmt.Sprint(l.Requests), fmt.Sprint(l.SLMRequests), usd(l.SpentUSD), usd(l.NotSpentUSD), usd(l.ServingUSD), usd(l.TrainingUSD), usd(l.SampleUSD), usd(l.NetUSD)}
}

func between(l wire.Ledger) string {
	if !l.Estimated {
		return ""
	}
	return usd(l.Low) + " to " + usd(l.High)
}

func breakEven(e wire.EndpointLedger) string {
	if e.BreakEvenRequests == nil {
		return "–"
	}
	return fmt.Sprintf("%d requests", *e.BreakEvenRequests)
}
