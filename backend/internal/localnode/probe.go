package localnode

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// probing watches one run of a container until ctx ends, as the kubelet does:
// nothing is ready or restarted before the startup probe has succeeded.
type probing struct {
	container corev1.Container
	port      int
	ready     func(bool, string) // called on every readiness result, with the reason
	unhealthy func(error)        // called once: the container must be restarted
}

func (p probing) run(ctx context.Context) {
	startup, liveness, readiness := p.container.StartupProbe, p.container.LivenessProbe, p.container.ReadinessProbe
	if startup != nil {
		started := false
		p.each(ctx, startup, func(err error, failures, _ int32) bool {
			if err == nil {
				started = true
				return false
			}
			if failures >= orDefault(startup.FailureThreshold, 3) {
				p.unhealthy(fmt.Errorf("the startup probe failed %d times: %w", failures, err))
				return false
			}
			return true
		})
		if !started {
			return
		}
	}
	var wg sync.WaitGroup
	if liveness != nil {
		wg.Go(func() {
			p.each(ctx, liveness, func(err error, failures, _ int32) bool {
				if err != nil && failures >= orDefault(liveness.FailureThreshold, 3) {
					p.unhealthy(fmt.Errorf("the liveness probe failed %d times: %w", failures, err))
					return false
				}
				return true
			})
		})
	}
	if readiness == nil {
		p.ready(true, "")
	} else {
		wg.Go(func() {
			p.each(ctx, readiness, func(err error, failures, successes int32) bool {
				switch {
				case err == nil && successes >= orDefault(readiness.SuccessThreshold, 1):
					p.ready(true, "")
				case err != nil && failures >= orDefault(readiness.FailureThreshold, 3):
					p.ready(false, "it is not ready: "+err.Error())
				case err != nil:
					p.ready(false, "") // a wobble: only says why where it never was ready
				}
				return true
			})
		})
	}
	wg.Wait()
}

// each probes at once and then every period, until then says false.
func (p probing) each(ctx context.Context, probe *corev1.Probe, then func(err error, failures, successes int32) bool) {
	var failures, successes int32
	wait := time.Duration(probe.InitialDelaySeconds) * time.Second
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		err := p.get(ctx, probe)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			failures, successes = 0, successes+1
		} else {
			failures, successes = failures+1, 0
		}
		if !then(err, failures, successes) {
			return
		}
		wait = time.Duration(orDefault(probe.PeriodSeconds, 10)) * time.Second
	}
}

var prober = &http.Client{
	// A probe says something about now: no old connection, no redirect.
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (p probing) get(ctx context.Context, probe *corev1.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(orDefault(probe.TimeoutSeconds, 1))*time.Second)
	defer cancel()
	path := "/" + strings.TrimPrefix(probe.HTTPGet.Path, "/")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", p.port, path), nil)
	if err != nil {
		return err
	}
	for _, h := range probe.HTTPGet.HTTPHeaders {
		req.Header.Set(h.Name, h.Value)
	}
	res, err := prober.Do(req)
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 300))
	if res.StatusCode < 200 || res.StatusCode >= 400 {
		line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
		return fmt.Errorf("GET %s answers %d: %s", path, res.StatusCode, line)
	}
	return nil
}

func orDefault(n, def int32) int32 {
	if n == 0 {
		return def
	}
	return n
}
