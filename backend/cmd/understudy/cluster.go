package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/cluster"
	"understudy.dev/backend/internal/config"
	"understudy.dev/backend/internal/database"
	"understudy.dev/backend/internal/release"
	"understudy.dev/backend/internal/trainerclient"
)

// clusterCommand has what the chart's hooks and its test run in a pod.
func (a *app) clusterCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "cluster", Short: "What the Helm chart's hooks run: secrets, check, cleanup", Args: cobra.NoArgs}
	cmd.AddCommand(a.secretsCommand(), a.checkCommand(), a.cleanupCommand())
	return cmd
}

func (a *app) secretsCommand() *cobra.Command {
	var keys, postgres string
	cmd := &cobra.Command{Use: "secrets", Short: "Make the platform's Secrets that are missing, once; those that are there stay as they are", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, client, err := cluster.Connect()
			if err != nil {
				return err
			}
			for name, entries := range map[string]map[string]string{
				keys:     {"UNDERSTUDY_ADMIN_KEY": "ua-", "UNDERSTUDY_SERVICE_TOKEN": "us-"},
				postgres: {"POSTGRES_PASSWORD": ""},
			} {
				if name == "" {
					continue
				}
				made, err := cluster.EnsureSecret(cmd.Context(), client, namespace(), name, entries)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.out, "secret %s: %s\n", name, map[bool]string{true: "made", false: "there already"}[made])
			}
			return nil
		}}
	cmd.Flags().StringVar(&keys, "keys", "understudy-keys", "Secret of the admin key and the service token; empty makes none")
	cmd.Flags().StringVar(&postgres, "postgres", "understudy-postgres", "Secret of the database's password; empty makes none")
	return cmd
}

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{Use: "check", Short: "Ask every service of the platform whether it is ready", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var bad error
			for _, s := range []struct{ name, url string }{
				{"backend", envOr("BACKEND_URL", "http://backend-service:8000")},
				{"evaluator", envOr("EVALUATOR_URL", "http://evaluation-service:8001")},
				{"trainer", envOr("TRAINER_URL", "http://training-service:8002")},
				{"frontend", envOr("FRONTEND_URL", "http://frontend-service:3000")},
			} {
				err := ready(cmd.Context(), s.url)
				bad = errors.Join(bad, err)
				if err == nil {
					fmt.Fprintf(a.out, "%-10s ready at %s\n", s.name, s.url)
				} else {
					fmt.Fprintf(a.out, "%-10s NOT ready: %v\n", s.name, err)
				}
			}
			return bad
		}}
}

func ready(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", req.URL, res.Status)
	}
	return nil
}

func (a *app) cleanupCommand() *cobra.Command {
	var patience time.Duration
	cmd := &cobra.Command{Use: "cleanup", Short: "Before the platform is uninstalled: stop the backend, end trainings and their machines, remove every model's release", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Read(a.lookup)
			if err != nil {
				return fmt.Errorf("the configuration has mistakes:\n%w", err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), patience)
			defer cancel()
			if err := a.cleanUp(ctx, c); err != nil {
				return fmt.Errorf("%w\nWhat is left stays as it is. Run this again, or uninstall with --no-hooks and remove the rest by hand", err)
			}
			return nil
		}}
	cmd.Flags().DurationVar(&patience, "timeout", 5*time.Minute, "how long it may take")
	return cmd
}

func (a *app) cleanUp(ctx context.Context, c config.Config) error {
	access, client, err := cluster.Connect()
	if err != nil {
		return err
	}
	// First whoever would make anew what is removed here.
	if err := cluster.StopDeployment(ctx, client, c.Namespace, "backend"); err != nil {
		return fmt.Errorf("stop the backend: %w", err)
	}
	fmt.Fprintln(a.out, "the backend has stopped")
	if err := a.endTrainings(ctx, c); err != nil {
		return fmt.Errorf("end the trainings: %w", err)
	}
	releases, err := release.NewCluster(access, release.Settings{Namespace: c.Namespace, Overlay: c.Overlay, HealAfter: time.Nanosecond})
	if err != nil {
		return err
	}
	list, err := releases.List(ctx)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := releases.Remove(ctx, r.Name); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "release %s is removed\n", r.Name)
	}
	return nil
}

// endTrainings cancels what the trainer works on and waits until it has let
// its machines go.
func (a *app) endTrainings(ctx context.Context, c config.Config) error {
	db, err := database.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	trainer := trainerclient.New(c.TrainerURL, c.ServiceToken)
	models, err := db.Models(ctx, understudy.ModelFilter{})
	if withoutTables(err) { // no backend ever worked here, so nothing was trained
		return nil
	}
	if err != nil {
		return err
	}
	for _, m := range models {
		if m.Phase != understudy.Training && m.Phase != understudy.Downloading {
			continue
		}
		if err := end(ctx, trainer, understudy.JobName(m.ID, m.Attempt)); err != nil {
			return fmt.Errorf("%s: %w", m.Name(), err)
		}
		fmt.Fprintf(a.out, "the training of %s is ended\n", m.Name())
	}
	return nil
}

// withoutTables reports whether err says that the database was never migrated.
func withoutTables(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42P01" // undefined_table
}

// end deletes a job twice: the first cancels it, the second waits until its
// machine is gone and forgets it. A machine that cannot be ended yet is tried
// again, until ctx ends.
func end(ctx context.Context, trainer *trainerclient.Client, job string) error {
	for {
		err := trainer.Delete(ctx, job)
		if err == nil {
			_, err = trainer.Get(ctx, job)
		}
		if understudy.CodeOf(err) == understudy.NotFound {
			return nil
		}
		if err != nil && understudy.CodeOf(err) != understudy.Unavailable {
			return err
		}
		select {
		case <-ctx.Done():
			return cmp.Or(err, ctx.Err())
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func namespace() string {
	if n := os.Getenv("NAMESPACE"); n != "" {
		return n
	}
	return release.Namespace
}
