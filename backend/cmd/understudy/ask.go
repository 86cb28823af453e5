package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/client"
	"understudy.dev/backend/internal/play"
	"understudy.dev/backend/internal/supervisor"
)

func (a *app) askCommand() *cobra.Command {
	var system string
	cmd := &cobra.Command{
		Use:   "ask ENDPOINT QUESTION",
		Short: "Ask the LLM and the SLM the same thing and show both answers",
		Long: `Asks an endpoint's LLM and its SLM the same question and shows both answers
side by side. The system prompt is the one that the endpoint was last asked
with, or --system. Nothing of it is captured.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api()
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("system") {
				if system, err = lastSystem(cmd.Context(), api, args[0]); err != nil {
					return err
				}
			}
			return a.ask(cmd.Context(), api, args[0], system, args[1])
		},
	}
	cmd.Flags().StringVar(&system, "system", "", "the system prompt")
	return cmd
}

type asked struct {
	Source string  `json:"source"`
	Text   string  `json:"text"`
	Ms     float64 `json:"milliseconds"`
	Error  string  `json:"error,omitempty"`
}

func (a *app) ask(ctx context.Context, api *client.Client, endpoint, system, question string) error {
	if _, err := api.Endpoint(ctx, endpoint); err != nil {
		return err
	}
	key := envOr("UNDERSTUDY_API_KEY", a.secret(supervisor.ClientKeyFile))
	c := play.NewConversation(system, question, "")
	if system == "" {
		c.Messages = c.Messages[1:]
	}
	routes := []string{"llm", "slm"}
	answers := make([]asked, len(routes))
	var wg sync.WaitGroup
	for i, route := range routes {
		wg.Go(func() {
			app := play.Application{BaseURL: api.URL + "/v1", Key: key, Model: endpoint, Client: &http.Client{Timeout: time.Minute},
				Header: http.Header{"X-Understudy-Route": {route}, "X-Understudy-Capture": {"off"}}}
			r := app.Ask(ctx, c, false)
			answers[i] = asked{Source: route, Text: r.Text, Ms: float64(r.Took.Milliseconds())}
			switch {
			case r.Err != nil:
				answers[i].Error = r.Err.Error()
			case r.Source != route:
				answers[i] = asked{Source: route, Error: "it did not answer (not on stage, or not a task it learnt); the LLM did instead"}
			}
		})
	}
	wg.Wait()
	var rows [][]string
	for _, x := range answers {
		text := x.Text
		if x.Error != "" {
			text = "– " + x.Error
		}
		rows = append(rows, []string{strings.ToUpper(x.Source), fmt.Sprintf("%.0f ms", x.Ms), text})
	}
	return a.print(answers, "WHO,TOOK,ANSWER", rows)
}

// lastSystem returns the system prompt of the endpoint's newest pair.
func lastSystem(ctx context.Context, api *client.Client, endpoint string) (string, error) {
	page, err := api.Pairs(ctx, endpoint, url.Values{"limit": {"1"}})
	if err != nil || len(page.Items) == 0 {
		return "", err
	}
	raw, err := json.Marshal(page.Items[0].Request)
	if err != nil {
		return "", err
	}
	return play.SystemOf(raw), nil
}
