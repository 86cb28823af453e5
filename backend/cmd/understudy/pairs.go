package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/client"
	"understudy.dev/backend/internal/wire"
)

func (a *app) pairsCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{Use: "pairs ENDPOINT", Short: "Show an endpoint's newest pairs; import and export them", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			page, err := api.Pairs(cmd.Context(), args[0], url.Values{"limit": {fmt.Sprint(limit)}})
			if err != nil {
				return err
			}
			var rows [][]string
			for _, p := range page.Items {
				rows = append(rows, []string{p.ID, p.Source, p.Reason, p.Split, fmt.Sprintf("%.0f ms", p.LatencyMs), shorten(p.Answer.Canonical())})
			}
			return a.print(page, "PAIR,BY,REASON,SPLIT,TOOK,ANSWER", rows)
		}}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many, at most 500")
	cmd.AddCommand(a.pairsImport(), a.pairsExport())
	return cmd
}

func shorten(s string) string { return shortenTo(s, 80) }

// shortenTo cuts a text to so many characters on one line.
func shortenTo(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func (a *app) pairsImport() *cobra.Command {
	return &cobra.Command{Use: "import ENDPOINT FILE", Short: "Import conversations in OpenAI's fine-tuning format (JSONL; - reads standard input)", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			var in io.Reader = cmd.InOrStdin()
			if args[1] != "-" {
				f, err := os.Open(args[1])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			r, err := client.Do[wire.ImportResult](cmd.Context(), api, http.MethodPost, "/endpoints/"+url.PathEscape(args[0])+"/pairs:import", in)
			if err != nil {
				return err
			}
			var rows [][]string
			for _, b := range r.Broken {
				rows = append(rows, []string{fmt.Sprintf("line %d", b.Line), b.Error})
			}
			if a.format == "table" {
				fmt.Fprintf(a.out, "%d pairs imported, %d lines not\n", r.Imported, r.BrokenN)
				if len(rows) == 0 {
					return nil
				}
			}
			return a.print(r, "WHERE,WHY", rows)
		}}
}

func (a *app) pairsExport() *cobra.Command {
	return &cobra.Command{Use: "export ENDPOINT [FILE]", Short: "Export the pairs in OpenAI's fine-tuning format (JSONL)", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			body, err := api.Stream(cmd.Context(), "/endpoints/"+url.PathEscape(args[0])+"/pairs:export")
			if err != nil {
				return err
			}
			defer body.Close()
			if len(args) == 1 {
				_, err = io.Copy(a.out, body)
				return err
			}
			f, err := os.Create(args[1])
			if err != nil {
				return err
			}
			if _, err := io.Copy(f, body); err != nil {
				f.Close()
				return err
			}
			return f.Close()
		}}
}
