package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/wire"
)

func (a *app) askCommand() *cobra.Command {
	var system string
	cmd := &cobra.Command{
		Use:   "ask ENDPOINT QUESTION",
		Short: "Ask the LLM and the SLM the same thing and show both answers",
		Long: `Asks an endpoint's LLM and its SLM the same question and shows both answers
side by side. The system prompt and the other parameters are those that the
endpoint was last asked with; --system takes another prompt. Nothing of it is
captured.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			in := wire.CompareInput{Prompt: args[1]}
			if cmd.Flags().Changed("system") {
				if in, err = under(system, args[1]); err != nil {
					return err
				}
			}
			c, err := api.Compare(cmd.Context(), args[0], in)
			if err != nil {
				return err
			}
			return a.printComparison(c)
		},
	}
	cmd.Flags().StringVar(&system, "system", "", "the system prompt")
	return cmd
}

// under puts a question behind a system prompt; an empty one is none.
func under(system, question string) (wire.CompareInput, error) {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	list := []message{{"system", system}, {"user", question}}
	if system == "" {
		list = list[1:]
	}
	raw, err := json.Marshal(list)
	return wire.CompareInput{Messages: raw}, err
}

func (a *app) printComparison(c wire.Comparison) error {
	var rows [][]string
	for _, x := range []struct {
		who  string
		side wire.Side
	}{{"llm", c.LLM}, {"slm", c.SLM}} {
		text := x.side.Text
		switch {
		case x.side.Error != "":
			text = "– " + x.side.Error
		case text == "" && len(x.side.ToolCalls) > 0:
			text = string(x.side.ToolCalls)
		}
		rows = append(rows, []string{strings.ToUpper(x.who), fmt.Sprintf("%.0f ms", x.side.LatencyMs), text})
	}
	if err := a.print(c, "WHO,TOOK,ANSWER", rows); err != nil || a.format == "json" {
		return err
	}
	switch {
	case c.Exact != nil && *c.Exact:
		fmt.Fprintln(a.out, "They say the same.")
	case c.Similarity != nil:
		fmt.Fprintf(a.out, "They are alike by %.2f of 1.\n", *c.Similarity)
	}
	return nil
}
