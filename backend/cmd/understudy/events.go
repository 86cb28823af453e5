package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/client"
	"understudy.dev/backend/internal/wire"
)

func (a *app) eventsCommand() *cobra.Command {
	var limit int
	var model, kind string
	var follow bool
	cmd := &cobra.Command{Use: "events [ENDPOINT]", Short: "Show what happened, oldest first; --follow goes on with what happens", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			filter := url.Values{"limit": {fmt.Sprint(limit)}}
			endpoint := append(args, "")[0]
			if model != "" {
				m, err := api.Model(cmd.Context(), model)
				if err != nil {
					return err
				}
				model = m.ID
			}
			for name, value := range map[string]string{"endpoint": endpoint, "modelId": model, "kind": kind} {
				if value != "" {
					filter.Set(name, value)
				}
			}
			page, err := api.EventPage(cmd.Context(), filter)
			if err != nil {
				return err
			}
			slices.Reverse(page.Items)
			if follow {
				return a.follow(cmd, api, filter, page.Items)
			}
			var rows [][]string
			for _, e := range page.Items {
				rows = append(rows, eventRow(e))
			}
			return a.print(page, "WHEN,KIND,WHAT", rows)
		}}
	f := cmd.Flags()
	f.IntVar(&limit, "limit", 30, "how many, at most 500")
	f.StringVar(&model, "model", "", "only of this model")
	f.StringVar(&kind, "kind", "", "only of this kind, e.g. model.phase")
	f.BoolVarP(&follow, "follow", "f", false, "go on with what happens, a line or with -o json an object an event")
	return cmd
}

func eventRow(e wire.Event) []string {
	return []string{e.At.Local().Format(time.DateTime), e.Kind, e.Message}
}

// follow prints events until the context ends.
func (a *app) follow(cmd *cobra.Command, api *client.Client, filter url.Values, first []wire.Event) error {
	tell := func(e wire.Event) {
		if a.format == "json" {
			_ = a.line(e)
			return
		}
		row := eventRow(e)
		fmt.Fprintf(a.out, "%s  %-18s  %s\n", row[0], row[1], row[2])
	}
	var cursor int64
	for _, e := range first {
		tell(e)
		cursor = e.ID
	}
	filter.Del("limit")
	for {
		next, err := api.FollowEvents(cmd.Context(), cursor, filter, tell)
		if cmd.Context().Err() != nil {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		cursor = next
		select {
		case <-cmd.Context().Done():
			return nil
		case <-time.After(time.Second): // the backend may be starting again
		}
	}
}
