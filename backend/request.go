package understudy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Chat is what the domain reads of a chat completion request; everything else
// in it stays bytes.
type Chat struct {
	Model          string          `json:"model"`
	Messages       []Message       `json:"messages"`
	Tools          json.RawMessage `json:"tools"`
	Functions      json.RawMessage `json:"functions"`
	ResponseFormat json.RawMessage `json:"response_format"`
	Stream         bool            `json:"stream"`
	User           string          `json:"user"`
	SafetyID       string          `json:"safety_identifier"`
}

// Message is one message of a conversation.
type Message struct {
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"` // string, parts or null
	ToolCalls json.RawMessage `json:"tool_calls"`
	Name      string          `json:"name"`
}

// Text returns the message's text: the string, or its text parts joined.
func (m Message) Text() string {
	if n := len(m.Content); n >= 2 && m.Content[0] == '"' && m.Content[n-1] == '"' &&
		bytes.IndexByte(m.Content, '\\') < 0 && utf8.Valid(m.Content) {
		return string(m.Content[1 : n-1]) // nothing to unescape
	}
	var s string
	if json.Unmarshal(m.Content, &s) == nil {
		return s
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	_ = json.Unmarshal(m.Content, &parts)
	var b strings.Builder
	for _, p := range parts {
		if p.Type == "text" {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

// System reports whether the message instructs the model.
func (m Message) System() bool { return m.Role == "system" || m.Role == "developer" }

// EndUser returns whom the request was made for, "" if it does not say.
func (c Chat) EndUser() string {
	if c.SafetyID != "" {
		return c.SafetyID
	}
	return c.User
}

// ConversationHash is the hash of a conversation's root: its system messages
// and first user message, white space folded, letters in lower case, digits
// and ids masked. Later turns of a conversation and prompts that differ only
// in such details share it.
func (c Chat) ConversationHash() string {
	h := sha256.New()
	for _, m := range c.Messages {
		if m.System() {
			h.Write([]byte(mask(m.Text()) + "\x00"))
		}
	}
	for _, m := range c.Messages {
		if m.Role == "user" {
			h.Write([]byte(mask(m.Text())))
			break
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// EvalShare is the part of the conversations that is kept for evaluation.
const EvalShare = 0.20

// SplitOf puts a conversation on one side for ever, by its hash.
func SplitOf(conversationHash string) Split {
	b, err := hex.DecodeString(conversationHash)
	if err != nil || len(b) < 2 {
		return SplitTrain
	}
	if float64(int(b[0])<<8|int(b[1])) < EvalShare*65536 {
		return SplitEval
	}
	return SplitTrain
}

// PromptHash tells distinct prompts apart: all messages, white space folded.
func (c Chat) PromptHash() string {
	h := sha256.New()
	for _, m := range c.Messages {
		h.Write([]byte(m.Role + "\x00" + fold(m.Text()) + "\x00"))
		h.Write(compact(m.ToolCalls))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TaskFingerprint tells tasks apart. task is the client's own name for it
// (header X-Understudy-Task), which wins where it is not empty.
func (c Chat) TaskFingerprint(mode FingerprintMode, task string) string {
	h := sha256.New()
	if task != "" {
		h.Write([]byte("task\x00" + task))
		return hex.EncodeToString(h.Sum(nil))[:16]
	}
	if mode != FingerprintTools {
		for _, m := range c.Messages {
			if m.System() {
				h.Write([]byte(maskDigits(fold(m.Text())) + "\x00"))
			}
		}
	}
	for _, raw := range []json.RawMessage{c.Tools, c.Functions, c.ResponseFormat} {
		h.Write(append(compact(raw), 0))
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// compact returns raw as canonical JSON (keys sorted), nothing for null.
func compact(raw json.RawMessage) []byte {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return raw
	}
	b, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return b
}
