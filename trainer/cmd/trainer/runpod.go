package main

import (
	"strings"
	"time"

	"understudy.dev/service/env"
	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/runpod"
)

// rented is how pods are rented.
type rented struct {
	key      env.Secret
	url      string
	install  string // "" is the store's own
	maxPods  int
	reap     time.Duration
	provider *runpod.Provider // without client and installation
}

func readRunPod(r *env.Reader) rented {
	p := &runpod.Provider{
		Image:           r.String("AGENT_IMAGE", ""),
		Cloud:           runpod.Cloud(r.OneOf("RUNPOD_CLOUD", string(runpod.Secure), string(runpod.Secure), string(runpod.Community))),
		GPUs:            list(r.String("RUNPOD_GPUS", "")),
		DataCenters:     list(r.String("RUNPOD_DATA_CENTERS", "")),
		MaxHourlyUSD:    r.Float("RUNPOD_MAX_HOURLY_USD", 1, 0, 1000),
		MinTime:         r.Duration("RUNPOD_MIN_TIME", 0),
		VolumeID:        r.String("RUNPOD_VOLUME_ID", ""),
		DiskGB:          r.Int("RUNPOD_DISK_GB", 40, 10),
		Registry:        r.String("RUNPOD_REGISTRY_ID", ""),
		ProxyURL:        r.String("RUNPOD_PROXY_URL", ""),
		ProvisionWithin: r.Duration("RUNPOD_PROVISION_TIMEOUT", 0),
		ReadyWithin:     r.Duration("RUNPOD_READY_TIMEOUT", 0),
		Contact:         r.Duration("RUNPOD_CONTACT_TIMEOUT", 0),
		Quiet:           r.Duration("RUNPOD_SILENCE", 0),
		Poll:            r.Duration("RUNPOD_POLL", 0),
		Env:             map[string]string{},
	}
	if token := r.Secret("HF_TOKEN"); token != "" {
		p.Env["HF_TOKEN"] = token.Reveal()
	}
	c := rented{
		key: r.Secret("RUNPOD_API_KEY"), url: r.URL("RUNPOD_BASE_URL", runpod.DefaultURL), install: r.String("INSTALL_ID", ""),
		maxPods: r.Int("RUNPOD_MAX_PODS", 2, 1), reap: r.Duration("RUNPOD_REAP", 0), provider: p,
	}
	if err := trainer.CheckInstallID(c.install); c.install != "" && err != nil {
		r.Fail("INSTALL_ID", "%v", err)
	}
	if p.ProxyURL != "" && !strings.Contains(p.ProxyURL, "{pod}") {
		r.Fail("RUNPOD_PROXY_URL", "has no {pod} in it; the default is https://{pod}-{port}.proxy.runpod.net")
	}
	return c
}

// list reads words between commas.
func list(s string) []string {
	var out []string
	for _, word := range strings.Split(s, ",") {
		if word = strings.TrimSpace(word); word != "" {
			out = append(out, word)
		}
	}
	return out
}

// lacks says why no pod can be rented, "" where one can.
func (c rented) lacks() string {
	switch {
	case c.key == "":
		return "RUNPOD_API_KEY is not set, so nothing can be rented at RunPod: give the trainer an API key with read and write access to pods (console.runpod.io, Settings), or choose another provider."
	case c.provider.Image == "":
		return "AGENT_IMAGE is not set, so a pod would have nothing to run: build trainer/agent, push it to a registry that RunPod reaches, and name it in AGENT_IMAGE."
	}
	return ""
}

// rent completes the provider.
func (c rented) rent(install string) *runpod.Provider {
	p := c.provider
	p.Install = install
	p.Client = &runpod.Client{URL: c.url, Key: c.key, UserAgent: "understudy-trainer/" + version}
	return p.Defaults()
}
