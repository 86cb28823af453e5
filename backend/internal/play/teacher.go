package play

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	understudy "understudy.dev/backend"
	"understudy.dev/service/serve"
)

// TeacherModel is what the replay teacher calls itself in every answer.
const TeacherModel = "replay-teacher"

// Teacher is an LLM's stand-in at the network: it answers chat completions in
// OpenAI's wire format out of a recording, with an LLM's delay. It answers
// nothing that is not in the recording.
type Teacher struct {
	answers map[string]json.RawMessage // by prompt hash
	pace    float64
}

// NewTeacher makes one of a recording. pace scales the delay: 1 is that of a
// small hosted LLM (a first token after 150 to 450 ms, then 10 ms a token), 0
// is none.
func NewTeacher(recording []Conversation, pace float64) *Teacher {
	t := &Teacher{answers: make(map[string]json.RawMessage, len(recording)), pace: pace}
	for _, c := range recording {
		t.answers[c.Chat().PromptHash()] = c.Answer
	}
	return t
}

// Handler serves /v1/chat/completions and /v1/models.
func (t *Teacher) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", t.complete)
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		serve.JSON(w, http.StatusOK, map[string]any{"object": "list", "data": []any{
			map[string]any{"id": TeacherModel, "object": "model", "created": 0, "owned_by": "understudy"}}})
	})
	serve.Observe(mux, func(context.Context) error { return nil })
	return mux
}

func (t *Teacher) complete(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Replay-Teacher", "answers from a recording")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 32<<20))
	var chat struct {
		understudy.Chat
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	if err != nil || json.Unmarshal(body, &chat) != nil || len(chat.Messages) == 0 {
		refuse(w, http.StatusBadRequest, "invalid_request_error", "the body is no chat completion request")
		return
	}
	answer, ok := t.answers[chat.PromptHash()]
	if !ok {
		refuse(w, http.StatusNotFound, "not_in_recording", "The replay teacher has no recorded answer to this request. Set OPENAI_API_KEY to ask a real LLM.")
		return
	}
	if !t.pause(r.Context(), t.firstToken(chat.PromptHash())) {
		return
	}
	text := answerText(answer)
	id, created := "chatcmpl-"+uuid.NewString(), time.Now().Unix()
	tokensIn, tokensOut := len(body)/4, len(text)/4+1
	usage := map[string]int{"prompt_tokens": tokensIn, "completion_tokens": tokensOut, "total_tokens": tokensIn + tokensOut}
	if !chat.Stream {
		t.pause(r.Context(), time.Duration(tokensOut)*perToken)
		serve.JSON(w, http.StatusOK, map[string]any{
			"id": id, "object": "chat.completion", "created": created, "model": TeacherModel, "system_fingerprint": "replay",
			"choices": []any{map[string]any{"index": 0, "message": answer, "logprobs": nil, "finish_reason": finish(answer)}}, "usage": usage})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(extra map[string]any) bool {
		chunk := map[string]any{"id": id, "object": "chat.completion.chunk", "created": created, "model": TeacherModel, "system_fingerprint": "replay"}
		for k, v := range extra {
			chunk[k] = v
		}
		b, _ := json.Marshal(chunk)
		_, err := fmt.Fprintf(w, "data: %s\n\n", b)
		w.(http.Flusher).Flush()
		return err == nil
	}
	choice := func(delta any, finish any) map[string]any {
		return map[string]any{"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}}}
	}
	send(choice(map[string]any{"role": "assistant", "content": ""}, nil))
	if calls := toolCalls(answer); calls != nil {
		send(choice(map[string]any{"tool_calls": calls}, nil))
	}
	for _, piece := range strings.SplitAfter(text, " ") {
		if piece == "" {
			continue
		}
		if !t.pause(r.Context(), time.Duration(len(piece)/4+1)*perToken) || !send(choice(map[string]any{"content": piece}, nil)) {
			return
		}
	}
	send(choice(map[string]any{}, finish(answer)))
	if chat.StreamOptions.IncludeUsage {
		send(map[string]any{"choices": []any{}, "usage": usage})
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}

const perToken = 10 * time.Millisecond

// firstToken is 150 to 450 ms, always the same for the same prompt.
func (t *Teacher) firstToken(hash string) time.Duration {
	h := fnv.New32a()
	_, _ = io.WriteString(h, hash)
	return 150*time.Millisecond + time.Duration(h.Sum32()%300)*time.Millisecond
}

// pause waits d at the teacher's pace; false when the client has left.
func (t *Teacher) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(time.Duration(float64(d) * t.pace))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func answerText(answer json.RawMessage) string {
	var m understudy.Message
	_ = json.Unmarshal(answer, &m)
	return m.Text()
}

func toolCalls(answer json.RawMessage) []map[string]any {
	var m struct {
		ToolCalls []map[string]any `json:"tool_calls"`
	}
	_ = json.Unmarshal(answer, &m)
	for i := range m.ToolCalls {
		m.ToolCalls[i]["index"] = i
	}
	return m.ToolCalls
}

func finish(answer json.RawMessage) string {
	if toolCalls(answer) != nil {
		return "tool_calls"
	}
	return "stop"
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	serve.JSON(w, status, map[string]any{"error": map[string]any{"message": message, "type": "replay_teacher_error", "param": nil, "code": code}})
}
