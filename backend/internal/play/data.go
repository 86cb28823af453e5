package play

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	understudy "understudy.dev/backend"
)

// MinConversations is the least that a play can be made of: fewer leave too
// little to learn from and too little to test on.
const MinConversations = 700

const maxLine = 4 << 20 // bytes

// Load reads a file in OpenAI's fine-tuning format: one {"messages": [...]} a
// line, the last message the assistant's. Every broken line is named, by its
// number, in one Invalid error; so is a file with too few conversations.
func Load(path string) ([]Conversation, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, understudy.Errorf(understudy.NotFound, "DATA: there is no file %s", path)
	}
	if err != nil {
		return nil, understudy.Errorf(understudy.Invalid, "DATA: %v", err)
	}
	defer f.Close()
	out, err := Read(f)
	if err != nil {
		return nil, understudy.Errorf(understudy.Invalid, "DATA: %s: %v", path, err)
	}
	return out, nil
}

// Read is Load without the file.
func Read(r io.Reader) ([]Conversation, error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLine)
	var out []Conversation
	var broken []string
	seen := map[string]bool{}
	line := 0
	for in.Scan() {
		line++
		if len(bytes.TrimSpace(in.Bytes())) == 0 {
			continue
		}
		c, err := parseLine(in.Bytes())
		if err != nil {
			broken = append(broken, fmt.Sprintf("line %d: %v", line, err))
			continue
		}
		if h := c.Chat().PromptHash(); !seen[h] {
			seen[h] = true
			out = append(out, c)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w (a line may have %d MiB)", line+1, err, maxLine>>20)
	}
	if len(broken) > 0 {
		more := ""
		if n := len(broken); n > 10 {
			broken, more = broken[:10], fmt.Sprintf("\n… and %d more", n-10)
		}
		return nil, fmt.Errorf("broken lines; mend or remove them:\n%s%s", strings.Join(broken, "\n"), more)
	}
	if len(out) < MinConversations {
		return nil, fmt.Errorf("it has %d different conversations; at least %d are needed to train and to test", len(out), MinConversations)
	}
	return out, nil
}

func parseLine(line []byte) (Conversation, error) {
	if !utf8.Valid(line) {
		return Conversation{}, errors.New("is not UTF-8")
	}
	var l struct {
		Messages []json.RawMessage `json:"messages"`
		Tools    json.RawMessage   `json:"tools"`
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return Conversation{}, fmt.Errorf("is not a JSON object: %v", err)
	}
	if len(l.Messages) < 2 {
		return Conversation{}, errors.New(`"messages" needs a question and an answer`)
	}
	var last understudy.Message
	for _, raw := range l.Messages {
		last = understudy.Message{}
		if err := json.Unmarshal(raw, &last); err != nil || last.Role == "" {
			return Conversation{}, errors.New("a message has no role")
		}
	}
	c := Conversation{Messages: l.Messages[:len(l.Messages)-1], Tools: l.Tools, Answer: bytes.Clone(l.Messages[len(l.Messages)-1])}
	if last.Role != "assistant" || c.AnswerText() == "" {
		return Conversation{}, errors.New("the last message is not the assistant's answer")
	}
	return c, nil
}
