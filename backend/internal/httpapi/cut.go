package httpapi

import (
	"encoding/json"
	"unicode/utf8"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/wire"
)

// maxListed is how much of each text an entry of a list has, in bytes: a page
// of long conversations is to come quickly all the same.
const maxListed = 2 << 10

// listed is a pair as a list shows it. A long request shows what it begins
// with, its system prompt, and what was asked last.
func listed(p understudy.Pair) wire.Pair {
	w := pairOf(p)
	cut := func(s string) string {
		if len(s) <= maxListed {
			return s
		}
		w.Truncated = true
		s = s[:maxListed]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
		return s + "…"
	}
	w.Answer.Text = cut(w.Answer.Text)
	if len(w.Answer.ToolCalls) > maxListed {
		w.Answer.Text, w.Answer.ToolCalls = cut(w.Answer.Canonical()), nil
	}
	if len(p.Request) > maxListed {
		var c understudy.Chat
		_ = json.Unmarshal(p.Request, &c)
		short := []map[string]string{}
		for _, m := range c.Messages {
			if m.Role == "system" || m.Role == "developer" {
				short = append(short, map[string]string{"role": m.Role, "content": cut(m.Text())})
				break
			}
		}
		short = append(short, map[string]string{"role": "user", "content": cut(lastUserMessage(p.Request))})
		w.Truncated = true
		w.Request = map[string]any{"messages": short}
	}
	return w
}
