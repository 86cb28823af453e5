package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestAnswersComeInOpenAIsFormat(t *testing.T) {
	p := start(t, "CONTEXT_LENGTH=64")
	p.ready(1)
	if status, body := p.get("/readyz"); status != 200 {
		t.Fatalf("/readyz: %d %s", status, body)
	}
	cases := map[string]struct {
		body   string
		status int
		wants  []string
	}{
		"a completion":              {say("hello there", ""), 200, []string{`"content":"echo: hello there"`, `"model":"triage-v1"`, `"finish_reason":"stop"`}},
		"a cut completion":          {say("one two three", `,"max_tokens":2`), 200, []string{`"content":"echo: one "`, `"finish_reason":"length"`}},
		"a stream":                  {say("a b", `,"stream":true,"stream_options":{"include_usage":true}`), 200, []string{`"content":"a "`, `"usage":{`, "data: [DONE]\n\n"}},
		"an error inside a stream":  {say("[[error]]", `,"stream":true`), 200, []string{`data: {"error":`}},
		"a refusal":                 {say("[[refuse]]", ""), 503, []string{`"code":"unavailable_error"`, `"param":null`}},
		"a prompt that is too long": {say(strings.Repeat("word ", 80), ""), 400, []string{`"code":"context_length_exceeded"`, `"type":"exceed_context_size_error"`, `"n_ctx":64`}},
		"broken JSON":               {`{"messages":`, 400, []string{`"code":"invalid_request_error"`}},
		"no messages":               {`{}`, 400, []string{`'messages' is required`}},
		"a body of 17 MB":           {say(strings.Repeat("x", 17<<20), ""), 413, []string{`"code":"request_too_large"`}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			res := p.post(c.body)
			got := text(t, res)
			if res.StatusCode != c.status {
				t.Errorf("status %d", res.StatusCode)
			}
			for _, want := range c.wants {
				if !strings.Contains(got, want) {
					t.Errorf("%s is not in %.500s", want, got)
				}
			}
		})
	}
	if status, body := p.get("/v1/models"); status != 200 || !strings.Contains(body, `"id":"triage-v1"`) {
		t.Errorf("/v1/models: %d %s", status, body)
	}
	if status, body := p.get("/slots"); status != 404 {
		t.Errorf("the model server's own paths are open: %d %s", status, body)
	}
	if status, body := p.get("/v1/embeddings"); status != 404 || !strings.Contains(body, `"code":"unknown_url"`) {
		t.Errorf("/v1/embeddings: %d %s", status, body)
	}
}

// running sends a streamed request that runs until its client leaves, and
// returns when it runs.
func running(t *testing.T, p *program) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/v1/chat/completions", strings.NewReader(say("[[slow:1h]]", `,"stream":true`)))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); res.Body.Close() })
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || !strings.Contains(line, "assistant") {
		t.Fatalf("%q %v", line, err)
	}
	return cancel
}

func TestAFullQueueRefusesAndALeavingClientMakesRoom(t *testing.T) {
	p := start(t, "SLOTS=1", "QUEUE=1", "QUEUE_WAIT=1h")
	p.ready(1)
	leave := running(t, p)

	ctx, give := context.WithCancel(t.Context())
	gaveUp := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/v1/chat/completions", strings.NewReader(say("second", "")))
		if err == nil {
			_, err = http.DefaultClient.Do(req)
		}
		gaveUp <- err
	}()
	p.metric("requests_waiting", "1")

	res := p.post(say("third", ""))
	body := text(t, res)
	var shape struct {
		Error struct {
			Message, Type, Code string
			Param               *string
		}
	}
	if err := json.Unmarshal([]byte(body), &shape); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 429 || res.Header.Get("Retry-After") == "" || shape.Error.Code != "rate_limit_exceeded" || shape.Error.Message == "" {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
	}

	give()
	if err := <-gaveUp; err == nil {
		t.Error("the waiting request was answered")
	}
	p.metric("requests_waiting", "0")
	p.metric(`requests_total{status="499"}`, "1")
	leave()
	// The model server has one slot: this is answered only if the first
	// request was cancelled there too.
	if res := p.post(say("fourth", "")); res.StatusCode != 200 {
		t.Errorf("%d %s", res.StatusCode, text(t, res))
	}
}

func TestARequestDoesNotWaitForEver(t *testing.T) {
	p := start(t, "SLOTS=1", "QUEUE=4", "QUEUE_WAIT=50ms")
	p.ready(1)
	running(t, p)
	if res := p.post(say("second", "")); res.StatusCode != 429 || res.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", res.StatusCode, text(t, res))
	}
}

func TestARequestDoesNotRunForEver(t *testing.T) {
	p := start(t, "SLOTS=1", "REQUEST_TIMEOUT=3s")
	p.ready(1)
	res := p.post(say("[[hang]]", ""))
	if body := text(t, res); res.StatusCode != 504 || !strings.Contains(body, `"code":"timeout"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res := p.post(say("next", "")); res.StatusCode != 200 {
		t.Errorf("the slot is not free: %d", res.StatusCode)
	}
}

func TestSIGTERMLetsARunningStreamFinish(t *testing.T) {
	p := start(t)
	p.ready(1)
	model := group(t, baseFile(p))
	res := p.post(say("[[words:30]] [[slow:20ms]]", `,"stream":true`))
	lines := bufio.NewReader(res.Body)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	rest, err := io.ReadAll(lines)
	if err != nil || strings.Count(string(rest), `"content":"word`) != 30 || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("the stream was cut (%v): %s", err, rest)
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	gone(t, model)
}

func TestAStreamThatOutlivesTheGraceIsCut(t *testing.T) {
	p := start(t, "DRAIN_TIMEOUT=50ms")
	p.ready(1)
	model := group(t, baseFile(p))
	running(t, p)
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 1 {
		t.Errorf("exit status %d", code)
	}
	gone(t, model)
}

func TestAKilledModelServerComesBack(t *testing.T) {
	control := filepath.Join(t.TempDir(), "control")
	p := start(t, "FAKELLAMA_CONTROL="+control)
	pid := p.ready(1)
	res := p.post(say("[[words:5]] [[slow:1h]]", `,"stream":true`))
	if err := os.WriteFile(control, []byte("[[loading]]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("the broken stream ended as if it were whole: %s", b)
	}
	p.await(`msg="model server ended"`)
	if status, _ := p.get("/readyz"); status != 503 {
		t.Errorf("/readyz: %d", status)
	}
	down := p.post(say("meanwhile", ""))
	if body := text(t, down); down.StatusCode != 503 || down.Header.Get("Retry-After") == "" || !strings.Contains(body, `"code":"model_not_ready"`) {
		t.Errorf("%d %s", down.StatusCode, body)
	}
	if err := os.Remove(control); err != nil {
		t.Fatal(err)
	}
	p.ready(2)
	if res := p.post(say("again", "")); res.StatusCode != 200 {
		t.Errorf("%d %s", res.StatusCode, text(t, res))
	}
	p.metric("restarts_total", "1")
}

func TestADyingModelServer(t *testing.T) {
	cases := map[string]struct {
		body   string
		status int // 0 means that the answer must break off
	}{
		"dies before its answer":   {say("[[crash]]", ""), 502},
		"dies in a plain answer":   {say("one two three four [[die]]", ""), 502},
		"dies in a stream":         {say("one two three four [[die]]", `,"stream":true`), 0},
		"cuts a stream":            {say("one two three four [[cut]]", `,"stream":true`), 0},
		"answers what is no JSON":  {say("[[broken]]", ""), 200},
		"cuts before a plain body": {say("one two three four [[cut]]", ""), 502},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			p.ready(1)
			res := p.post(c.body)
			b, err := io.ReadAll(res.Body)
			if c.status != 0 && res.StatusCode != c.status {
				t.Errorf("status %d: %s", res.StatusCode, b)
			}
			if c.status == 0 && (err == nil || strings.Contains(string(b), "[DONE]")) {
				t.Errorf("the break is not visible: %s", b)
			}
		})
	}
}

func TestAHungModelServerIsReplaced(t *testing.T) {
	control := filepath.Join(t.TempDir(), "control")
	p := start(t, "FAKELLAMA_CONTROL="+control, "STALL_TIMEOUT=300ms")
	p.ready(1)
	if err := os.WriteFile(control, []byte("[[silent]]"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.await(`msg="model server ended".*has not answered`)
	if err := os.Remove(control); err != nil {
		t.Fatal(err)
	}
	p.ready(2)
}

func TestKillingInferenceLeavesNoProcess(t *testing.T) {
	cases := map[string][]string{
		"while it serves":        nil,
		"while the model loads":  {"FAKELLAMA_LOADING=1h"},
		"while a request hangs":  {"FAKELLAMA_DO=[[hang]]"},
		"with an ending ignored": {"LLAMA_SERVER=" + ignorer(t)},
	}
	for name, env := range cases {
		t.Run(name, func(t *testing.T) {
			p := start(t, env...)
			if env == nil {
				p.ready(1)
			}
			base := baseFile(p)
			var model = group(t, base)
			for len(model) < 2 { // the guard and the server; they may still be starting
				model = group(t, base)
			}
			p.signal(syscall.SIGKILL)
			gone(t, model)
		})
	}
}

// ignorer is a model server that never answers and ignores SIGTERM.
func ignorer(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ignorer")
	if err := os.WriteFile(path, []byte("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func baseFile(p *program) string {
	for _, v := range p.cmd.Env {
		if path, ok := strings.CutPrefix(v, "BASE_FILE="); ok {
			return path
		}
	}
	return ""
}

func TestAServerThatNeverStartsIsGivenUpWithItsLastWords(t *testing.T) {
	script := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho error: unknown model architecture >&2\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := start(t, "LLAMA_SERVER="+script)
	if code := p.exit(); code != 1 {
		t.Errorf("exit status %d", code)
	}
	for _, want := range []string{"does not start", "unknown model architecture"} {
		if !strings.Contains(p.output(), want) {
			t.Errorf("%q was not said", want)
		}
	}
}

func TestTheServerMayStandInAFolderWithBlanks(t *testing.T) {
	program := filepath.Join(t.TempDir(), "a user's programs", "llama server")
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(bin, "fakellama"), program); err != nil {
		t.Fatal(err)
	}
	p := start(t, `LLAMA_SERVER="`+program+`"`)
	p.ready(1)
}

func TestMistakesInTheEnvironmentAreToldTogether(t *testing.T) {
	p := launch(t, "MODE=both", "SLOTS=0", "CPU_LIMIT=many", "ADAPTER_SHA256=abc", "BASE_FILE=", "LLAMA_SERVER=/does/not/exist")
	if code := p.exit(); code != 2 {
		t.Errorf("exit status %d", code)
	}
	for _, want := range []string{"MODE", "SLOTS", "CPU_LIMIT", "ADAPTER_SHA256", "BASE_FILE", "TRAINER_URL", "MODEL_DIR", "/does/not/exist"} {
		if !strings.Contains(p.output(), want) {
			t.Errorf("%s is not named in:\n%s", want, p.output())
		}
	}
}
