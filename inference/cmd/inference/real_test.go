package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"understudy.dev/inference/internal/batch"
	"understudy.dev/service/fetch"
)

// llama returns what the real llama.cpp needs: the Python with the xllamacpp
// wheel and the base model. Where they are missing the test is skipped, but
// fails under CI.
func llama(t *testing.T) (python, model string, env []string) {
	t.Helper()
	python = os.Getenv("UNDERSTUDY_PYTHON")
	if python == "" {
		python, _ = filepath.Abs("../../../.cache/python/bin/python")
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	model = filepath.Join(cache, "understudy", "models", "SmolLM2-135M-Instruct.Q8_0.gguf")
	for _, path := range []string{python, model} {
		if _, err := os.Stat(path); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%v: run make setup first", err)
			}
			t.Skipf("%v: run make setup first", err)
		}
	}
	launcher, err := filepath.Abs("../../launcher/launch.py")
	if err != nil {
		t.Fatal(err)
	}
	// A PATH without a llama-server: the launcher is what is tested here.
	return python, model, []string{"LLAMA_SERVER=", "LLAMA_LAUNCHER=" + python + " " + launcher, "PATH=/usr/bin:/bin", "BASE_FILE=" + model, "CPU_LIMIT=2"}
}

type completion struct {
	Model   string
	Choices []struct {
		Message      struct{ Content string }
		Delta        struct{ Content string }
		FinishReason string `json:"finish_reason"`
	}
	Usage struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
	}
}

func read(t *testing.T, res *http.Response) (c completion) {
	t.Helper()
	body := text(t, res)
	if err := json.Unmarshal([]byte(body), &c); err != nil || res.StatusCode != 200 || len(c.Choices) != 1 {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	return c
}

func TestTheRealLlamaCppServes(t *testing.T) {
	_, _, env := llama(t)
	p := start(t, append(env, "CONTEXT_LENGTH=256", "SLOTS=2")...)
	p.ready(1)
	question := `Answer with one word: what is the capital of France?`

	whole := read(t, p.post(say(question, `,"temperature":0,"max_tokens":24`)))
	if !strings.Contains(whole.Choices[0].Message.Content, "Paris") || whole.Model != "triage-v1" || whole.Choices[0].FinishReason != "stop" || whole.Usage.PromptTokens == 0 {
		t.Errorf("got %+v", whole)
	}

	res := p.post(say(question, `,"temperature":0,"max_tokens":24,"stream":true,"stream_options":{"include_usage":true}`))
	body := text(t, res)
	var streamed strings.Builder
	for event := range strings.SplitSeq(strings.TrimSuffix(body, "data: [DONE]\n\n"), "\n\n") {
		var c completion
		if event != "" && json.Unmarshal([]byte(strings.TrimPrefix(event, "data: ")), &c) != nil {
			t.Errorf("no event: %s", event)
		}
		for _, choice := range c.Choices {
			streamed.WriteString(choice.Delta.Content)
		}
	}
	if streamed.String() != whole.Choices[0].Message.Content || !strings.HasSuffix(body, "data: [DONE]\n\n") || !strings.Contains(body, `"usage":{`) {
		t.Errorf("the stream says %q: %s", streamed.String(), body)
	}

	stopped := read(t, p.post(say(question, `,"temperature":0,"max_tokens":24,"stop":["Par"]`)))
	if strings.Contains(stopped.Choices[0].Message.Content, "Par") {
		t.Errorf("stop was not obeyed: %+v", stopped)
	}
	cut := read(t, p.post(say(question, `,"temperature":0,"max_tokens":2`)))
	if cut.Usage.CompletionTokens != 2 || cut.Choices[0].FinishReason != "length" {
		t.Errorf("max_tokens was not obeyed: %+v", cut)
	}

	long := p.post(say(strings.Repeat("word ", 400), ""))
	if body := text(t, long); long.StatusCode != 400 || !strings.Contains(body, `"code":"context_length_exceeded"`) {
		t.Errorf("%d %s", long.StatusCode, body)
	}

	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
}

func TestTheRealLauncherEndsWithItsParent(t *testing.T) {
	_, _, env := llama(t)
	alias := fmt.Sprintf("orphan-%d", os.Getpid()) // of this run, not of one beside it
	p := start(t, append(env, "MODEL_ALIAS="+alias)...)
	p.ready(1)
	server := group(t, alias)
	if len(server) != 1 {
		t.Fatalf("%d model servers", len(server))
	}
	p.signal(syscall.SIGKILL)
	gone(t, server)
}

func TestTheRealLauncherSaysWhyAModelCannotBeServed(t *testing.T) {
	_, _, env := llama(t)
	broken := filepath.Join(t.TempDir(), "broken.gguf")
	if err := os.WriteFile(broken, []byte("GGUF, but not really"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, append(env, "BASE_FILE="+broken)...)
	if code := p.exit(); code != 1 || !strings.Contains(p.output(), "cannot serve "+broken) {
		t.Errorf("exit status %d", code)
	}
}

func TestTheRealAdapterIsOffForTheBaseVariant(t *testing.T) {
	python, model, env := llama(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "adapter.gguf")
	if out, err := exec.Command(python, "testdata/adapter.py", model, file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sum, err := fetch.Sum(file)
	if err != nil {
		t.Fatal(err)
	}
	trainer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, os.DirFS(dir), "adapter.gguf")
	}))
	defer trainer.Close()

	bare := start(t, env...)
	bare.ready(1)
	question := "Name a colour."
	want := read(t, bare.post(say(question, `,"temperature":0,"max_tokens":12`))).Choices[0].Message.Content
	bare.signal(syscall.SIGTERM)
	bare.exit()

	b := newBackend(t, prompt("p", batch.Tuned, question), prompt("p", batch.Base, question))
	for i := range b.prompts {
		b.prompts[i].Request = json.RawMessage(say(question, ""))
		b.prompts[i].MaxTokens = 12
	}
	p := start(t, append(b.env("ADAPTER_SHA256="+sum, "TRAINER_URL="+trainer.URL), env...)...)
	if code := p.exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if got := b.answers["p/base"]; got.Text != want {
		t.Errorf("the base says %q, with the adapter switched off it says %q (%s)", want, got.Text, got.Error)
	}
	if got := b.answers["p/tuned"]; got.Text == want || got.TokensOut == 0 {
		t.Errorf("the adapter changes nothing: %+v", got)
	}
}
