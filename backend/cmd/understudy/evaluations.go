package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	understudy "understudy.dev/backend"
)

func (a *app) evaluationsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "evaluations MODEL", Short: "Show a model's verdicts, newest first", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			list, err := api.Evaluations(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var rows [][]string
			for _, e := range list {
				verdict := e.Verdict
				if verdict == "" {
					verdict = fmt.Sprintf("%d of %d answered", e.Answered, e.Total)
				}
				rows = append(rows, []string{fmt.Sprint(e.Attempt), verdict, e.Metric, percent(e.Score), percent(e.LowerBound), percent(e.Threshold), percent(e.BaseScore), percent(e.LookupScore), e.Words})
			}
			return a.print(list, "ATTEMPT,VERDICT,METRIC,SCORE,LOWER BOUND,THRESHOLD,BASE,LOOK-UP,IN WORDS", rows)
		}}
	cmd.AddCommand(a.answersCommand())
	return cmd
}

func (a *app) answersCommand() *cobra.Command {
	var attempt, limit int
	var best bool
	cmd := &cobra.Command{Use: "answers MODEL", Short: "Show an evaluation's answers beside the expected ones, worst first", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			if attempt == 0 {
				list, err := api.Evaluations(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if len(list) == 0 {
					return understudy.Errorf(understudy.NotFound, "%s has not been examined yet", args[0])
				}
				attempt = list[0].Attempt
			}
			filter := url.Values{"limit": {fmt.Sprint(limit)}}
			if best {
				filter.Set("order", "best")
			}
			page, err := api.Answers(cmd.Context(), args[0], attempt, filter)
			if err != nil {
				return err
			}
			var rows [][]string
			for _, x := range page.Items {
				likeness := "–"
				if x.Similarity != nil {
					likeness = fmt.Sprintf("%.2f", *x.Similarity)
				}
				actual := x.Actual
				if x.Error != "" {
					actual = "error: " + x.Error
				}
				rows = append(rows, []string{likeness, shortenTo(x.Prompt, 40), shortenTo(x.Expected, 40), shortenTo(actual, 40)})
			}
			return a.print(page, "LIKE,PROMPT,EXPECTED,ANSWERED", rows)
		}}
	f := cmd.Flags()
	f.IntVar(&attempt, "attempt", 0, "which evaluation (default: the newest)")
	f.IntVar(&limit, "limit", 20, "how many, at most 500")
	f.BoolVar(&best, "best", false, "best first")
	return cmd
}
