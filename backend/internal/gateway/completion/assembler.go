// Package completion reads chat completions: whole ones, and those that come
// as a stream of chunks.
package completion

import (
	"cmp"
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
	Limit     int  // bytes of text and tool calls that are kept, 0 = all
	Truncated bool // there were more

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

// Add takes one event's data. It reports whether the event carries the usage
// and no choice: the extra chunk that stream_options.include_usage asks for.
func (a *Assembler) Add(data []byte) (usageOnly bool) {
	if len(data) == 0 {
		return false
	}
	if string(data) == "[DONE]" {
		a.Done = true
		return false
	}
	if !gjson.ValidBytes(data) {
		a.Garbage = true
		return false
	}
	a.Truncated = a.Truncated || a.Limit > 0 && a.Len() >= a.Limit
	usage, choices := false, 0
	gjson.ParseBytes(data).ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "id":
			a.ID = cmp.Or(a.ID, v.String())
		case "model":
			a.Model = cmp.Or(a.Model, v.String())
		case "created":
			a.Created = v.Int()
		case "error":
			if v.Type != gjson.Null {
				a.Failed = ErrorMessage(v)
			}
		case "usage":
			if v.IsObject() {
				a.Usage, usage = usageOf(v), true
			}
		case "choices":
			v.ForEach(func(_, choice gjson.Result) bool {
				choices++
				if choice.Get("index").Int() == 0 {
					a.choice(choice)
				}
				return true
			})
		}
		return true
	})
	return usage && choices == 0
}

func (a *Assembler) choice(c gjson.Result) {
	if r := c.Get("finish_reason"); r.Type == gjson.String {
		a.Finish = r.Str
	}
	if a.Truncated {
		return
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

// Len returns how many bytes of text and tool calls were assembled.
func (a *Assembler) Len() int {
	n := a.text.Len() + a.reasoning.Len() + a.refusal.Len()
	for _, c := range a.calls {
		if c.Function != nil {
			n += len(c.Function.Name) + len(c.Function.Arguments)
		}
		if c.Custom != nil {
			n += len(c.Custom.Name) + len(c.Custom.Input)
		}
	}
	return n
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
