package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// result is one measurement.
type result struct {
	p50, p99 time.Duration
	rate     float64       // requests a second
	cpu      time.Duration // of this process for a request: client, upstream, what is between, and storing
}

const answerText = 640 // bytes of text; with its frame the answer is 1 kB

// request is what an application asks for, a new one each time.
func request(n int, stream bool) string {
	more := ""
	if stream {
		more = `,"stream":true`
	}
	return fmt.Sprintf(`{"model":"triage","messages":[{"role":"system","content":"You are the support desk of an online shop. Read the customer's message and answer with a compact JSON record of its intent, urgency and mood. Answer with the record alone."},{"role":"user","content":"Hello, I ordered two lamps (order %d) on Monday and only one has come. Could you tell me where the other one is, please? I need it by Friday."}],"temperature":0.2,"max_tokens":128%s}`, n, more)
}

// upstream answers at once with 1 kB.
func upstream(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if bytes.Contains(body, []byte(`"stream":true`)) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Write(streamed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(whole)
}

var (
	whole = []byte(`{"id":"chatcmpl-Bx8LqXKq0pQyV8W5mS2dT7uR1nE3a","object":"chat.completion","created":1764000000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		strings.Repeat("answer ", answerText/7) + `","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":91,"completion_tokens":93,"total_tokens":184},"system_fingerprint":"fp_0705bf87c0"}`)
	streamed = func() []byte {
		var b strings.Builder
		event := func(rest string) {
			b.WriteString(`data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",` + rest + "}\n\n")
		}
		for range 8 {
			event(`"choices":[{"index":0,"delta":{"content":"answer "},"finish_reason":null}]`)
		}
		event(`"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]`)
		event(`"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":8,"total_tokens":17}`)
		b.WriteString("data: [DONE]\n\n")
		return []byte(b.String())
	}()
)

// measure loads a subject for a while and returns what it took.
func measure(ctx context.Context, s *subject, concurrency int, o options) (result, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency, DisableCompression: true}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, o.length+time.Minute)
	defer cancel()
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	before := cpuTime()
	start := time.Now()
	end := start.Add(o.length)
	var wg sync.WaitGroup
	for worker := range concurrency {
		wg.Go(func() {
			var mine []time.Duration
			var err error
			for n := worker; err == nil && time.Now().Before(end); n += concurrency {
				begin := time.Now()
				if err = ask(ctx, client, s.url, request(n, o.stream)); err == nil {
					mine = append(mine, time.Since(begin))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	s.asked += int64(len(all))
	if failed != nil {
		return result{}, fmt.Errorf("%s: %w", s.name, failed)
	}
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[min(int(q*float64(len(all))), len(all)-1)] }
	err := s.awaitStored()
	return result{p50: at(0.5), p99: at(0.99), rate: float64(len(all)) / took.Seconds(), cpu: (cpuTime() - before) / time.Duration(len(all))}, err
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ask(ctx context.Context, client *http.Client, url, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+clientKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}

// awaitStored waits until every pair is in the database.
func (s *subject) awaitStored() error {
	if s.stored == nil {
		return nil
	}
	begin := time.Now()
	for {
		n, err := s.stored()
		if err != nil {
			return err
		}
		if n == s.asked {
			s.drain = max(s.drain, time.Since(begin))
			return nil
		}
		if n > s.asked || time.Since(begin) > 30*time.Second {
			return fmt.Errorf("%s: %d requests, %d pairs stored", s.name, s.asked, n)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
