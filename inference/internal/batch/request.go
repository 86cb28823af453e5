package batch

import (
	"encoding/json"
	"errors"
	"fmt"
)

// body is the prompt's own request with what a batch decides: not streamed,
// bounded, temperature 0 unless it names another, and for the base variant the
// adapter at scale 0 (llama.cpp's per-request lora list).
func body(p Prompt, adapter bool) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(p.Request, &fields); err != nil {
		return nil, fmt.Errorf("the request is no JSON object: %w", err)
	}
	if len(fields["messages"]) == 0 {
		return nil, errors.New("the request has no messages")
	}
	for _, name := range []string{"stream", "stream_options", "lora"} {
		delete(fields, name)
	}
	if p.MaxTokens > 0 {
		delete(fields, "max_completion_tokens")
		fields["max_tokens"] = json.RawMessage(fmt.Sprint(p.MaxTokens))
	}
	if t := fields["temperature"]; len(t) == 0 || string(t) == "null" {
		fields["temperature"] = json.RawMessage("0")
	}
	if p.Variant == Base && adapter {
		fields["lora"] = json.RawMessage(`[{"id":0,"scale":0}]`)
	}
	return json.Marshal(fields)
}
