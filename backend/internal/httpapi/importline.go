package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	understudy "understudy.dev/backend"
)

// tuningLine is a line of OpenAI's fine-tuning format, with fields of ours.
type tuningLine struct {
	Messages       []json.RawMessage `json:"messages"`
	Tools          json.RawMessage   `json:"tools,omitempty"`
	ResponseFormat json.RawMessage   `json:"response_format,omitempty"`
	User           string            `json:"user,omitempty"`
	Source         understudy.Source `json:"source,omitempty"`
}

// pairFromLine reads a line; its error says what is wrong with it.
func pairFromLine(e understudy.Endpoint, line []byte) (understudy.Pair, error) {
	if !utf8.Valid(line) {
		return understudy.Pair{}, errors.New("it is not UTF-8")
	}
	var l tuningLine
	if err := json.Unmarshal(line, &l); err != nil {
		return understudy.Pair{}, fmt.Errorf("it is not the JSON expected: %w", err)
	}
	if len(l.Messages) < 2 {
		return understudy.Pair{}, errors.New("messages must hold at least a user's message and the assistant's answer")
	}
	if l.Source != "" && l.Source != understudy.SourceLLM && l.Source != understudy.SourceSLM {
		return understudy.Pair{}, fmt.Errorf("source %q: use llm or slm", l.Source)
	}
	last := len(l.Messages) - 1
	reply, err := answerOf(l.Messages[last])
	if err != nil {
		return understudy.Pair{}, err
	}
	request, err := canonical(map[string]any{"messages": l.Messages[:last], "tools": l.Tools, "response_format": l.ResponseFormat})
	if err != nil {
		return understudy.Pair{}, err
	}
	var chat understudy.Chat
	if err := json.Unmarshal(request, &chat); err != nil {
		return understudy.Pair{}, fmt.Errorf("messages are not as OpenAI has them: %w", err)
	}
	if err := asked(chat); err != nil {
		return understudy.Pair{}, err
	}
	p := understudy.Pair{
		Endpoint: e.Name, User: l.User, Request: request, Answer: reply,
		Source: understudy.SourceLLM, Reason: understudy.ReasonImport, Complete: true,
		Conversation: chat.ConversationHash(), Prompt: chat.PromptHash(), Fingerprint: chat.TaskFingerprint(e.TaskMode(), ""),
		TokensIn: estimate(len(request)), TokensOut: estimate(len(reply.Text) + len(reply.ToolCalls)),
	}
	if l.Source != "" {
		p.Source = l.Source
	}
	p.Split = understudy.SplitOf(p.Conversation)
	return p, nil
}

// answerOf reads the last message, which must be the assistant's.
func answerOf(raw json.RawMessage) (understudy.Answer, error) {
	var m understudy.Message
	if err := json.Unmarshal(raw, &m); err != nil {
		return understudy.Answer{}, fmt.Errorf("the last message is not as OpenAI has it: %w", err)
	}
	if m.Role != "assistant" {
		return understudy.Answer{}, fmt.Errorf("the last message is of role %q; it must be the assistant's answer", m.Role)
	}
	reply := understudy.Answer{Text: m.Text(), FinishReason: "stop"}
	if len(m.ToolCalls) > 0 && !bytes.Equal(m.ToolCalls, []byte("null")) {
		reply.ToolCalls, reply.FinishReason = m.ToolCalls, "tool_calls"
	}
	if reply.Text == "" && reply.ToolCalls == nil {
		return understudy.Answer{}, errors.New("the assistant's answer is empty")
	}
	return reply, nil
}

func asked(c understudy.Chat) error {
	user := false
	for i, m := range c.Messages {
		switch m.Role {
		case "system", "developer", "assistant", "tool", "function":
		case "user":
			user = true
		default:
			return fmt.Errorf("message %d is of role %q; use system, developer, user, assistant or tool", i+1, m.Role)
		}
	}
	if !user {
		return errors.New("there is no user's message before the answer")
	}
	return nil
}

// canonical is compact JSON with sorted keys, without what is absent.
func canonical(fields map[string]any) ([]byte, error) {
	for k, v := range fields {
		if raw, ok := v.(json.RawMessage); ok && (len(raw) == 0 || bytes.Equal(raw, []byte("null"))) {
			delete(fields, k)
		}
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// estimate takes 4 bytes for a token, as English has them.
func estimate(bytes int) int { return (bytes + 3) / 4 }
