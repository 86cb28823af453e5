package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/client"
	"understudy.dev/backend/internal/wire"
)

func (a *app) endpointsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "endpoints", Short: "List, create, show and delete endpoints", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := a.api()
			if err != nil {
				return err
			}
			list, err := api.Endpoints(cmd.Context())
			if err != nil {
				return err
			}
			return a.printEndpoints(list, list)
		}}
	cmd.AddCommand(a.endpointCreate(), a.endpointShow(), a.endpointDelete())
	return cmd
}

func (a *app) printEndpoints(v any, list []wire.Endpoint) error {
	var rows [][]string
	for _, e := range list {
		c := e.Counters
		rows = append(rows, []string{e.Name, e.Upstream + "/" + e.UpstreamModel, e.Base, fmt.Sprint(c.Pairs), fmt.Sprint(c.Train), fmt.Sprint(c.Eval),
			fmt.Sprint(c.SLM), usd(c.CostUSD), usd(c.SavedUSD), tasksBy(e), yes(e.Bypass)})
	}
	return a.print(v, "NAME,LLM,BASE,PAIRS,TRAIN,EVAL,BY SLM,COST,SAVED,TASKS BY,BYPASS", rows)
}

// tasksBy says what tells the endpoint's tasks apart, and whether that was
// found or chosen.
func tasksBy(e wire.Endpoint) string {
	if e.Fingerprint == e.FingerprintInForce {
		return e.Fingerprint
	}
	return e.FingerprintInForce + " (" + e.Fingerprint + ")"
}

func (a *app) endpointCreate() *cobra.Command {
	var upstream, model, base, metric, fingerprint string
	var threshold float64
	cmd := &cobra.Command{Use: "create NAME", Short: "Create an endpoint: a named use of an LLM", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api()
			if err != nil {
				return err
			}
			in := wire.EndpointInput{Name: args[0], UpstreamModel: &model}
			for flag, field := range map[string]**string{"upstream": &in.Upstream, "base": &in.Base, "metric": &in.Metric, "fingerprint": &in.Fingerprint} {
				if cmd.Flags().Changed(flag) {
					v, _ := cmd.Flags().GetString(flag)
					*field = &v
				}
			}
			if cmd.Flags().Changed("threshold") {
				in.Threshold = &threshold
			}
			e, err := api.CreateEndpoint(cmd.Context(), in)
			if err != nil {
				return err
			}
			return a.printEndpoints(e, []wire.Endpoint{e})
		}}
	f := cmd.Flags()
	f.StringVar(&model, "model", "gpt-4o-mini", "the upstream's model")
	f.StringVar(&upstream, "upstream", "", "the upstream (default: the default one)")
	f.StringVar(&base, "base", "", "the base SLM")
	f.StringVar(&metric, "metric", "", "auto, similarity or exact")
	f.StringVar(&fingerprint, "fingerprint", "", "what tells tasks apart: auto, full or tools")
	f.Float64Var(&threshold, "threshold", 0, "the gate's threshold, 0 to 1")
	return cmd
}

func (a *app) endpointShow() *cobra.Command {
	return &cobra.Command{Use: "show NAME", Short: "Show an endpoint", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api()
			if err != nil {
				return err
			}
			e, err := api.Endpoint(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.printEndpoints(e, []wire.Endpoint{e})
		}}
}

func (a *app) endpointDelete() *cobra.Command {
	return &cobra.Command{Use: "delete NAME", Short: "Delete an endpoint with its pairs and models", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api()
			if err != nil {
				return err
			}
			_, err = client.Do[struct{}](cmd.Context(), api, http.MethodDelete, "/endpoints/"+url.PathEscape(args[0]), nil)
			return err
		}}
}
