// Package completion reads chat completions: whole ones, and those that come
// as a stream of chunks.
package completion

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
)

// Usage is what the server counted.
type Usage struct {
	Prompt, Completion int
	Raw                json.RawMessage // as it came, nil if it never did
}

// Assembler builds an answer from a stream's chunks. Only the first choice is
// assembled. The zero value is ready.
type Assembler struct {
	ID, Model string
	Created   int64
	Usage     Usage
	Finish    string // finish_reason, "" until it comes
	Failed    string // the message of an error event
	Done      bool   // [DONE] was seen
	Garbage   bool   // an event was no JSON

	text, reasoning, refusal strings.Builder
	calls                    []call
}

type call struct {
	Index    int64     `json:"-"`
	ID       string    `json:"id,omitempty"`
	Type     string    `json:"type"`
	Function *function `json:"function,omitempty"`
	Custom   *custom   `json:"custom,omitempty"`
}

type function struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type custom struct {
	Name  string `json:"name"`
	Input string `json:"input"`
}

// Add takes one event's data.
func (a *Assembler) Add(data []byte) {
	if len(data) == 0 {
		return
	}
	if string(data) == "[DONE]" {
		a.Done = true
		return
	}
	if !gjson.ValidBytes(data) {
		a.Garbage = true
		return
	}
	gjson.ParseBytes(data).ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "id":
			a.ID = v.String()
		case "model":
			a.Model = v.String()
		case "created":
			a.Created = v.Int()
		case "error":
			if v.Type != gjson.Null {
				a.Failed = ErrorMessage(v)
			}
		case "usage":
			if v.IsObject() {
				a.Usage = usageOf(v)
			}
		case "choices":
			v.ForEach(func(_, choice gjson.Result) bool {
				if choice.Get("index").Int() == 0 {
					a.choice(choice)
				}
				return true
			})
		}
		return true
	})
}

func (a *Assembler) choice(c gjson.Result) {
	if r := c.Get("finish_reason"); r.Type == gjson.String {
		a.Finish = r.Str
	}
	c.Get("delta").ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "content":
			a.text.WriteString(text(v))
		case "reasoning_content":
			a.reasoning.WriteString(text(v))
		case "refusal":
			a.refusal.WriteString(text(v))
		case "tool_calls":
			v.ForEach(func(_, d gjson.Result) bool { a.call(d); return true })
		case "function_call": // the deprecated form of one call
			if v.IsObject() {
				a.addFunction(a.at(0), v)
			}
		}
		return true
	})
}

func text(v gjson.Result) string {
	if v.Type == gjson.String {
		return v.Str
	}
	return ""
}

func (a *Assembler) at(index int64) *call {
	for i := range a.calls {
		if a.calls[i].Index == index {
			return &a.calls[i]
		}
	}
	a.calls = append(a.calls, call{Index: index, Type: "function"})
	return &a.calls[len(a.calls)-1]
}

func (a *Assembler) call(d gjson.Result) {
	c := a.at(d.Get("index").Int())
	if id := d.Get("id").Str; id != "" {
		c.ID = id
	}
	if t := d.Get("type").Str; t != "" {
		c.Type = t
	}
	if f := d.Get("function"); f.IsObject() {
		a.addFunction(c, f)
	}
	if x := d.Get("custom"); x.IsObject() {
		if c.Custom == nil {
			c.Custom = &custom{}
		}
		c.Custom.Name += x.Get("name").Str
		c.Custom.Input += x.Get("input").Str
	}
}

func (a *Assembler) addFunction(c *call, f gjson.Result) {
	if c.Function == nil {
		c.Function = &function{}
	}
	c.Function.Name += f.Get("name").Str
	c.Function.Arguments += f.Get("arguments").Str
}

// Started reports whether anything came that a client may be shown: content,
// a tool call or a finish_reason.
func (a *Assembler) Started() bool {
	return a.text.Len() > 0 || a.reasoning.Len() > 0 || a.refusal.Len() > 0 || len(a.calls) > 0 || a.Finish != ""
}

// Answer returns what has come so far.
func (a *Assembler) Answer() understudy.Answer {
	out := understudy.Answer{Text: a.text.String(), FinishReason: a.Finish}
	if out.Text == "" {
		out.Text = a.refusal.String()
	}
	if len(a.calls) > 0 {
		out.ToolCalls, _ = json.Marshal(a.calls)
	}
	return out
}

// ErrorMessage returns what an error object, or a plain string, says.
func ErrorMessage(v gjson.Result) string {
	if m := v.Get("message").Str; m != "" {
		return m
	}
	return v.String()
}

func usageOf(v gjson.Result) Usage {
	return Usage{
		Prompt: int(v.Get("prompt_tokens").Int()), Completion: int(v.Get("completion_tokens").Int()),
		Raw: json.RawMessage(v.Raw),
	}
}
