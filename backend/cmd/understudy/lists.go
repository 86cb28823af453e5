package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/client"
	"understudy.dev/backend/internal/wire"
)

func (a *app) upstreamsCommand() *cobra.Command {
	return &cobra.Command{Use: "upstreams", Short: "List the configured LLM providers", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			page, err := client.Get[wire.Page[wire.Upstream]](cmd.Context(), api, "/upstreams?limit=500")
			if err != nil {
				return err
			}
			var rows [][]string
			for _, u := range page.Items {
				rows = append(rows, []string{u.Name, u.Kind, u.BaseURL, yes(u.HasKey), yes(u.Default), fmt.Sprint(len(u.Prices))})
			}
			return a.print(page.Items, "NAME,KIND,URL,KEY,DEFAULT,PRICED MODELS", rows)
		}}
}

func (a *app) basesCommand() *cobra.Command {
	return &cobra.Command{Use: "bases", Short: "List the small models that can be trained", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			page, err := client.Get[wire.Page[wire.Base]](cmd.Context(), api, "/bases?limit=500")
			if err != nil {
				return err
			}
			var rows [][]string
			for _, b := range page.Items {
				rows = append(rows, []string{b.Name, b.Architecture, b.Licence, fmt.Sprint(b.ContextLength), yes(b.Tools), yes(b.Tested), yes(b.Verified), yes(b.Default)})
			}
			return a.print(page.Items, "NAME,ARCHITECTURE,LICENCE,CONTEXT,TOOLS,TESTED,VERIFIED,DEFAULT", rows)
		}}
}
