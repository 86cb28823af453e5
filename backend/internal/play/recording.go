package play

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

type line struct {
	Messages []json.RawMessage `json:"messages"`
	Tools    json.RawMessage   `json:"tools,omitempty"`
}

// Record writes conversations in OpenAI's fine-tuning format.
func Record(path string, list []Conversation) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, c := range list {
		if err := enc.Encode(line{append(append([]json.RawMessage{}, c.Messages...), c.Answer), c.Tools}); err != nil {
			return fmt.Errorf("record a conversation: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// LoadRecording reads what Record wrote.
func LoadRecording(path string) ([]Conversation, error) {
	b, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	var out []Conversation
	in := bufio.NewScanner(b)
	in.Buffer(nil, maxLine)
	for in.Scan() {
		c, err := parseLine(in.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%s: line %d %w", path, len(out)+1, err)
		}
		out = append(out, c)
	}
	return out, in.Err()
}
