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
	cmd := &cobra.Command{Use: "endpoints", Short: "List, create, show, change and delete endpoints", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			list, err := api.Endpoints(cmd.Context())
			if err != nil {
				return err
			}
			return a.printEndpoints(list, list)
		}}
	cmd.AddCommand(a.endpointCreate(), a.endpointShow(), a.endpointSet(), a.endpointDelete())
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
	var set settings
	cmd := &cobra.Command{Use: "create NAME", Short: "Create an endpoint: a named use of an LLM", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			in := set.given(cmd)
			in.Name, in.UpstreamModel = args[0], &set.model
			e, err := api.CreateEndpoint(cmd.Context(), in)
			if err != nil {
				return err
			}
			return a.printEndpoints(e, []wire.Endpoint{e})
		}}
	set.flags(cmd)
	return cmd
}

func (a *app) endpointSet() *cobra.Command {
	var set settings
	cmd := &cobra.Command{Use: "set NAME", Short: "Change the settings of an endpoint that are given", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			e, err := client.Do[wire.Endpoint](cmd.Context(), api, http.MethodPatch, "/endpoints/"+url.PathEscape(args[0]), set.given(cmd))
			if err != nil {
				return err
			}
			return a.printEndpoints(e, []wire.Endpoint{e})
		}}
	set.flags(cmd)
	return cmd
}

func (a *app) endpointShow() *cobra.Command {
	return &cobra.Command{Use: "show NAME", Short: "Show an endpoint", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
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
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			_, err = client.Do[struct{}](cmd.Context(), api, http.MethodDelete, "/endpoints/"+url.PathEscape(args[0]), nil)
			return err
		}}
}
