package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"

	"understudy.dev/service/env"
	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/store"
)

// orphan is a pod of this installation as it is listed.
type orphan struct {
	Pod       string    `json:"pod"`
	Job       string    `json:"job"`
	JobState  string    `json:"jobState"` // "" where there is no such job
	Status    string    `json:"status"`
	GPU       string    `json:"gpu"`
	Where     string    `json:"where"`
	HourlyUSD float64   `json:"hourlyUSD"`
	CreatedAt time.Time `json:"createdAt"`
	Orphan    bool      `json:"orphan"` // no job needs it
	Ended     bool      `json:"ended"`
}

// orphans lists this installation's pods and ends those that no job needs. It
// works beside a running trainer, and without one.
func orphans(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("understudy-trainer orphans", flag.ContinueOnError)
	flags.SetOutput(stderr)
	end := flags.Bool("end", false, "end the pods that no job needs")
	format := flags.String("o", "table", "table or json")
	switch err := flags.Parse(args); {
	case err == flag.ErrHelp:
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0 || *format != "table" && *format != "json":
		fmt.Fprintln(stderr, "usage: understudy-trainer orphans [--end] [-o table|json]")
		return 2
	}
	list, err := findOrphans(*end)
	if list == nil {
		list = []orphan{}
	}
	switch {
	case err != nil && len(list) == 0: // nothing is known: nothing is said
	case *format == "json":
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		_ = out.Encode(map[string]any{"pods": list})
	default:
		printOrphans(stdout, list)
	}
	if err != nil {
		fmt.Fprintln(stderr, "understudy-trainer orphans:", err)
		return 1
	}
	return 0
}

func findOrphans(end bool) ([]orphan, error) {
	r := env.New(os.LookupEnv)
	dir, c := r.Required("UNDERSTUDY_DATA_DIR"), readRunPod(r)
	if c.key == "" {
		r.Fail("RUNPOD_API_KEY", "is not set")
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	install := c.install
	if install == "" {
		var err error
		if install, err = store.ReadInstallID(dir); err != nil {
			return nil, err
		}
		if install == "" {
			return nil, fmt.Errorf("no trainer has worked in %s yet; UNDERSTUDY_DATA_DIR has to be the trainer's", dir)
		}
	}
	// The pods come first: a job is written down before anything is rented for
	// it, so that the job of a pod that is listed is known.
	p := c.rent(install)
	ours, err := p.Ours(ctx)
	if err != nil {
		return nil, err
	}
	records, err := store.Read(dir)
	if err != nil {
		return nil, fmt.Errorf("some jobs cannot be read, so it is not known which pods are needed: %w", err)
	}
	jobs := map[string]trainer.Record{}
	for _, rec := range records {
		jobs[rec.Job.ID] = rec
	}
	var list []orphan
	for _, s := range ours {
		rec := jobs[s.Job]
		o := orphan{
			Pod: s.Pod.ID, Job: s.Job, JobState: string(rec.Job.State), Status: string(s.Pod.Status), Where: s.Pod.Where(),
			HourlyUSD: s.Pod.Cost, CreatedAt: s.Pod.CreatedAt, Orphan: rec.Job.ID == "" || rec.Job.State.Finished(),
		}
		if s.Pod.GPU != nil {
			o.GPU = s.Pod.GPU.ID
		}
		if o.Orphan && end {
			if err := p.Client.Delete(ctx, s.Pod.ID); err != nil {
				return append(list, o), err
			}
			o.Ended = true
		}
		list = append(list, o)
	}
	return list, nil
}

func printOrphans(w io.Writer, list []orphan) {
	if len(list) == 0 {
		fmt.Fprintln(w, "This installation has no pods at RunPod.")
		return
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "POD\tSTATUS\tGPU\tWHERE\tUSD/H\tSINCE\tJOB\tNEEDED")
	for _, o := range list {
		needed := "yes: the job is " + o.JobState
		switch {
		case o.Ended:
			needed = "no: ended now"
		case o.Orphan && o.JobState == "":
			needed = "no: there is no such job (--end ends it)"
		case o.Orphan:
			needed = "no: the job is " + o.JobState + " (--end ends it)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.2f\t%s\t%s\t%s\n", o.Pod, o.Status, o.GPU, o.Where, o.HourlyUSD, o.CreatedAt.UTC().Format(time.DateTime), o.Job, needed)
	}
	t.Flush()
}
