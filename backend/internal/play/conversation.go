// Package play is the main job as a user sees it: an application plays its
// conversations against a running platform, and the curtain goes up act by act.
package play

import (
	"encoding/json"

	understudy "understudy.dev/backend"
)

// Conversation is one line in OpenAI's fine-tuning format, taken apart: what
// the application asks, and what the LLM is known to have answered.
type Conversation struct {
	Messages []json.RawMessage // without the last one
	Tools    json.RawMessage   // may be nil
	Answer   json.RawMessage   // the last message, the assistant's
}

// NewConversation makes one of plain texts.
func NewConversation(system, user, answer string) Conversation {
	message := func(role, content string) json.RawMessage {
		b, _ := json.Marshal(map[string]string{"role": role, "content": content})
		return b
	}
	return Conversation{
		Messages: []json.RawMessage{message("system", system), message("user", user)},
		Answer:   message("assistant", answer),
	}
}

// Chat reads the conversation's request.
func (c Conversation) Chat() understudy.Chat {
	var chat understudy.Chat
	for _, raw := range c.Messages {
		var m understudy.Message
		_ = json.Unmarshal(raw, &m)
		chat.Messages = append(chat.Messages, m)
	}
	chat.Tools = c.Tools
	return chat
}

// AnswerText returns the answer's canonical text.
func (c Conversation) AnswerText() string {
	var m understudy.Message
	_ = json.Unmarshal(c.Answer, &m)
	return understudy.Answer{Text: m.Text(), ToolCalls: m.ToolCalls}.Canonical()
}
