package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// result is what a side did in a time.
type result struct {
	requests, tokens int
	took             time.Duration
}

func (r result) requestRate() float64 { return float64(r.requests) / r.took.Seconds() }
func (r result) tokenRate() float64   { return float64(r.tokens) / r.took.Seconds() }

// start runs the program and returns its URL once its model answers.
func (b bench) start() (url string, stop func(), err error) {
	cmd := exec.Command(b.binary)
	cmd.Env = append(os.Environ(), "LISTEN_ADDR=127.0.0.1:0", "BASE_FILE="+b.model, launcherVariable+"="+b.launcher, "MODEL_ALIAS=through",
		fmt.Sprintf("CPU_LIMIT=%d", b.threads), "SLOTS=4", "CONTEXT_LENGTH=2048")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("start %s (make build builds it): %w", b.binary, err)
	}
	stop = func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() }
	addr := regexp.MustCompile(`msg=listening addr=(\S+)`)
	said := []string{}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said = append(said, lines.Text())
		if m := addr.FindStringSubmatch(lines.Text()); m != nil {
			url = "http://" + m[1]
		}
		if strings.Contains(lines.Text(), "model server ready") {
			go func() { // its pipe must not fill
				for lines.Scan() {
				}
			}()
			return url, stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("%s ended: %s", b.binary, strings.Join(said, "\n"))
}

// round sends the round's requests; both sides get the same ones, none twice.
func (b bench) round(ctx context.Context, url string, concurrency, round int) (result, error) {
	var tokens atomic.Int64
	began := time.Now()
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(concurrency)
	for n := range b.requests {
		all.Go(func() error {
			got, err := b.request(ctx, url, fmt.Sprintf("%d-%d-%d", concurrency, round, n), n%2 == 0)
			tokens.Add(int64(got))
			return err
		})
	}
	err := all.Wait()
	return result{requests: b.requests, tokens: int(tokens.Load()), took: time.Since(began)}, err
}

// request returns how many tokens the answer has.
func (b bench) request(ctx context.Context, url, order string, stream bool) (int, error) {
	body, err := json.Marshal(map[string]any{
		"messages": []map[string]string{
			{"role": "system", "content": "You sort messages to an online shop. Say in a sentence what the customer wants and which team should answer."},
			{"role": "user", "content": "Order " + order + " has not come yet although it was promised for last week. Where is it, and can I have my money back?"},
		},
		"max_tokens": b.tokens, "temperature": 0, "stream": stream, "stream_options": map[string]bool{"include_usage": true},
	})
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	var last []byte
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if bytes.Contains(lines.Bytes(), []byte(`"usage":{`)) {
			last = bytes.TrimPrefix(bytes.Clone(lines.Bytes()), []byte("data: "))
		}
	}
	var answer struct {
		Usage struct {
			Tokens int `json:"completion_tokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal(last, &answer); err != nil || answer.Usage.Tokens == 0 {
		return 0, fmt.Errorf("status %d, no usage in the answer: %.200s", res.StatusCode, last)
	}
	return answer.Usage.Tokens, nil
}

// client opens a connection for each request on both sides alike: llama.cpp
// closes kept ones now and then.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
