package completion

import (
	"encoding/json"
	"time"

	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
)

// Parse reads a completion that came whole; ok is false where it is none.
func Parse(raw []byte) (answer understudy.Answer, usage Usage, ok bool) {
	if !gjson.ValidBytes(raw) {
		return answer, usage, false
	}
	v := gjson.ParseBytes(raw)
	choice := v.Get("choices.0")
	message := choice.Get("message")
	if !message.IsObject() {
		return answer, usage, false
	}
	answer.Text, answer.FinishReason = text(message.Get("content")), choice.Get("finish_reason").Str
	if answer.Text == "" {
		answer.Text = text(message.Get("refusal"))
	}
	if calls := message.Get("tool_calls"); calls.IsArray() && len(calls.Array()) > 0 {
		answer.ToolCalls = json.RawMessage(calls.Raw)
	} else if f := message.Get("function_call"); f.IsObject() {
		answer.ToolCalls = json.RawMessage(`[{"type":"function","function":` + f.Raw + `}]`)
	}
	if u := v.Get("usage"); u.IsObject() {
		usage = usageOf(u)
	}
	return answer, usage, true
}

// JSON returns the assembled answer as one chat completion.
func (a *Assembler) JSON() []byte {
	type message struct {
		Role      string  `json:"role"`
		Content   *string `json:"content"`
		Refusal   *string `json:"refusal"`
		Reasoning string  `json:"reasoning_content,omitempty"`
		ToolCalls []call  `json:"tool_calls,omitempty"`
	}
	type choice struct {
		Index    int     `json:"index"`
		Message  message `json:"message"`
		Logprobs any     `json:"logprobs"`
		Finish   string  `json:"finish_reason"`
	}
	m := message{Role: "assistant", Reasoning: a.reasoning.String(), ToolCalls: a.calls}
	if s := a.text.String(); s != "" || len(a.calls) == 0 {
		m.Content = &s
	}
	if s := a.refusal.String(); s != "" {
		m.Refusal = &s
	}
	created := a.Created
	if created == 0 {
		created = time.Now().Unix()
	}
	out, _ := json.Marshal(struct { // strings and numbers always marshal
		ID      string          `json:"id"`
		Object  string          `json:"object"`
		Created int64           `json:"created"`
		Model   string          `json:"model"`
		Choices []choice        `json:"choices"`
		Usage   json.RawMessage `json:"usage,omitempty"`
	}{a.ID, "chat.completion", created, a.Model, []choice{{Message: m, Finish: a.Finish}}, a.Usage.Raw})
	return out
}
