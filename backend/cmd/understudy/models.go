package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/wire"
)

func (a *app) modelsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "models [ENDPOINT]", Short: "List models, and move them: train, deploy, undeploy, evaluate, retry, retire", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			list, err := api.Models(cmd.Context(), append(args, "")[0])
			if err != nil {
				return err
			}
			return a.printModels(list, list)
		}}
	cmd.AddCommand(&cobra.Command{Use: "show MODEL", Short: "Show a model, how it was trained and what that cost; with -o json its whole record, curves too", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			m, err := api.Model(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.printModel(m)
		}})
	cmd.AddCommand(&cobra.Command{Use: "train ENDPOINT", Short: "Train a new version now", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			m, err := api.Train(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.printModels(m, []wire.Model{m})
		}})
	for verb, short := range map[string]string{
		"deploy": "Put a model on stage (--force although the gate refused)", "undeploy": "Take a model off the stage",
		"evaluate": "Examine a model again", "retry": "Try a failed phase again", "retire": "Remove a model and its weights for good",
	} {
		cmd.AddCommand(a.modelVerb(verb, short))
	}
	return cmd
}

func (a *app) modelVerb(verb, short string) *cobra.Command {
	var force bool
	cmd := &cobra.Command{Use: verb + " MODEL", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			var body any
			if verb == "deploy" {
				body = wire.DeployInput{Force: force, By: os.Getenv("USER")}
			}
			m, err := api.Act(cmd.Context(), args[0], verb, body)
			if err != nil {
				return err
			}
			return a.printModels(m, []wire.Model{m})
		}}
	if verb == "deploy" {
		cmd.Flags().BoolVar(&force, "force", false, "although the gate refused; it is recorded")
	}
	return cmd
}

func (a *app) printModels(v any, list []wire.Model) error {
	var rows [][]string
	for _, m := range list {
		progress := ""
		if m.Training.Steps > 0 {
			progress = fmt.Sprintf("%d/%d", m.Training.Step, m.Training.Steps)
		}
		rows = append(rows, []string{m.Name, m.PhaseName, progress, m.Verdict, m.Release, fmt.Sprint(m.Revision), ago(m.PhaseSince), m.Reason})
	}
	return a.print(v, "MODEL,PHASE,STEPS,VERDICT,RELEASE,REV,SINCE,REASON", rows)
}
