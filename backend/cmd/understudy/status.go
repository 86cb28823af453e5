package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/config"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{Use: "status", Short: "Show what is on stage, what is learning, what it saves", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			s, err := api.Status(cmd.Context())
			if err != nil {
				return err
			}
			var rows [][]string
			for _, e := range s.Endpoints {
				model := ""
				if e.Model != nil {
					model = e.Model.Name
				}
				agreement := "–"
				if e.Sampled > 0 {
					agreement = fmt.Sprintf("%s of %d", percent(e.Agreement), e.Sampled)
				}
				rows = append(rows, []string{e.Name, understudy.Phase(e.Phase).String(), model, fmt.Sprint(e.Counters.Pairs), percent(e.SLMShare), agreement, usd(e.Counters.SavedUSD), yes(e.Bypass || s.Bypass)})
			}
			if a.format == "table" {
				for _, w := range s.Warnings {
					fmt.Fprintln(a.out, "warning:", w)
				}
			}
			return a.print(s, "ENDPOINT,PHASE,MODEL,PAIRS,BY SLM,AGREEMENT,SAVED,BYPASS", rows)
		}}
}

func (a *app) bypassCommand() *cobra.Command {
	return &cobra.Command{Use: "bypass on|off [ENDPOINT]", Short: "Send everything to the LLM, of one endpoint or of all", Args: cobra.RangeArgs(1, 2), ValidArgs: []string{"on", "off"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != "on" && args[0] != "off" {
				return fmt.Errorf("bypass %s: use on or off", args[0])
			}
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			name := append(args, "")[1]
			b, err := api.SetBypass(cmd.Context(), name, args[0] == "on")
			if err != nil {
				return err
			}
			if name == "" {
				name = "all endpoints"
			}
			return a.print(b, "ENDPOINT,BYPASS", [][]string{{name, yes(b.Bypass)}})
		}}
}

func (a *app) configCommand() *cobra.Command {
	return &cobra.Command{Use: "config", Short: "Show the configuration in force, secrets hidden", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := config.Read(a.lookup)
			if err != nil {
				return err
			}
			shown := map[string]string{}
			var rows [][]string
			for _, r := range c.Show() {
				shown[r[0]] = r[1]
				rows = append(rows, []string{r[0], r[1]})
			}
			return a.print(shown, "NAME,VALUE", rows)
		}}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Show the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.print(map[string]string{"version": version, "go": runtime.Version()}, "VERSION,GO", [][]string{{version, runtime.Version()}})
		}}
}
