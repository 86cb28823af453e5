package main

import (
	"fmt"
	"os"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/monitor"
)

func (a *app) monitorCommand() *cobra.Command {
	var once bool
	var width int
	cmd := &cobra.Command{Use: "monitor", Short: "Show pods, services, volumes, models, jobs, requests and events, live",
		Long: `Shows the platform live: what is on stage, what is being trained, pods,
services, volumes, jobs, requests a second and events. Arrows scroll, b switches
the bypass (it asks first), q ends. With --once it prints one picture: for
scripts with -o json.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			file, _ := a.out.(*os.File)
			terminal := file != nil && term.IsTerminal(file.Fd())
			if !once && a.format == "table" && terminal {
				return monitor.Run(cmd.Context(), api, cmd.InOrStdin(), a.out)
			}
			if !once && a.format == "table" {
				return fmt.Errorf("this is no terminal: use --once, for scripts with -o json")
			}
			p, err := monitor.Look(cmd.Context(), api)
			if err != nil {
				return err
			}
			if a.format == "json" {
				return a.print(p, "", nil)
			}
			if terminal {
				if w, _, err := term.GetSize(file.Fd()); err == nil && w > 0 && !cmd.Flags().Changed("width") {
					width = w
				}
			}
			styles := monitor.NewStyles(lipgloss.NewRenderer(a.out))
			for _, line := range append(append(monitor.Header(p, width, styles), ""), monitor.Lines(p, width, styles)...) {
				if _, err := fmt.Fprintln(a.out, line); err != nil {
					return err
				}
			}
			return nil
		}}
	cmd.Flags().BoolVar(&once, "once", false, "print one picture and end")
	cmd.Flags().IntVar(&width, "width", 120, "columns of --once where it is no terminal")
	return cmd
}
