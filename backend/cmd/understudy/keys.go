package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/client"
	"understudy.dev/backend/internal/wire"
)

func (a *app) keysCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "List, create and delete client keys", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			list, err := api.Keys(cmd.Context())
			if err != nil {
				return err
			}
			return a.printKeys(list, list)
		}}
	var endpoint string
	create := &cobra.Command{Use: "create NAME", Short: "Make a client key; it is shown this once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			k, err := api.CreateKey(cmd.Context(), wire.KeyInput{Name: args[0], DefaultEndpoint: endpoint})
			if err != nil {
				return err
			}
			return a.printKeys(k, []wire.Key{k})
		}}
	create.Flags().StringVar(&endpoint, "endpoint", "", "takes every request made with the key, whatever model it names")
	cmd.AddCommand(create, &cobra.Command{Use: "delete ID", Short: "Delete a client key", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			_, err = client.Do[struct{}](cmd.Context(), api, http.MethodDelete, "/keys/"+url.PathEscape(args[0]), nil)
			return err
		}})
	return cmd
}

func (a *app) printKeys(v any, list []wire.Key) error {
	var rows [][]string
	for _, k := range list {
		shown := k.Prefix + "…"
		if k.Secret != "" {
			shown = k.Secret
		}
		rows = append(rows, []string{k.ID, k.Name, shown, k.DefaultEndpoint, ago(k.CreatedAt)})
	}
	return a.print(v, "ID,NAME,KEY,ENDPOINT,MADE", rows)
}
