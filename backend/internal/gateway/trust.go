package gateway

import (
	"encoding/json"
	"strings"

	"understudy.dev/backend/internal/gateway/completion"
)

// trust looks at an answer before the client sees any of it: cut off by
// anything but the client's own limit, or no JSON where JSON is wanted, it is
// not to be trusted.
func (x *exchange) trust(a *completion.Assembler) error {
	if a.Finish == "" {
		return errNotStarted
	}
	if a.Finish == "length" && maxTokens(x.body) == 0 {
		return errUntrusted
	}
	answer := a.Answer()
	if len(answer.ToolCalls) > 0 {
		var calls []struct {
			Function struct{ Arguments string }
		}
		if json.Unmarshal(answer.ToolCalls, &calls) != nil {
			return errUntrusted
		}
		for _, c := range calls {
			if !json.Valid([]byte(c.Function.Arguments)) {
				return errUntrusted
			}
		}
		return nil
	}
	if x.wantsJSON() && !json.Valid([]byte(strings.TrimSpace(answer.Text))) {
		return errUntrusted
	}
	return nil
}
