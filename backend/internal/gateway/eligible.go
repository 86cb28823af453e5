package gateway

import (
	"encoding/json"
	"strconv"

	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/body"
)

// fits reports whether the SLM on stage can serve the request: it knows the
// task, the prompt fits its context, and nothing is asked for beyond it. A
// forced request may be of a task that it was not trained on.
func (x *exchange) fits(forced bool) bool {
	chat, ok := x.chat()
	if !ok || !forced && !x.target.Fingerprints[x.targetTask()] {
		return false
	}
	return supported(x.body, chat, x.target.Tools) && estimate(x.body, chat) <= x.target.ContextLength
}

// supported reports whether a small model behind llama.cpp can do what the
// request asks for.
func supported(o body.Object, chat *understudy.Chat, tools bool) bool {
	if n := o.Get("n"); o.Has("n") && string(n) != "1" {
		return false
	}
	for _, name := range []string{"audio", "web_search_options"} {
		if o.Has(name) {
			return false
		}
	}
	// Token ids differ between tokenizers, and with them what a bias means.
	if v := gjson.ParseBytes(o.Get("logit_bias")); v.IsObject() && v.Get("@keys.0").Exists() {
		return false
	}
	if string(o.Get("logprobs")) == "true" || gjson.ParseBytes(o.Get("top_logprobs")).Int() > 0 {
		return false
	}
	for _, m := range gjson.ParseBytes(o.Get("modalities")).Array() {
		if m.Str != "text" {
			return false
		}
	}
	if !tools && (some(o, "tools") || some(o, "functions")) {
		return false
	}
	for _, m := range chat.Messages {
		if !tools && (m.Role == "tool" || m.Role == "function" || len(m.ToolCalls) > 0 && string(m.ToolCalls) != "null") {
			return false
		}
		if len(m.Content) > 0 && m.Content[0] == '[' && !onlyText(m.Content) {
			return false
		}
	}
	return true
}

func some(o body.Object, name string) bool { return gjson.ParseBytes(o.Get(name)).Get("0").Exists() }

func onlyText(parts json.RawMessage) bool {
	ok := true
	gjson.ParseBytes(parts).ForEach(func(_, p gjson.Result) bool {
		ok = p.Get("type").Str == "text"
		return ok
	})
	return ok
}

// estimate is how many tokens prompt and answer may need, rather too many than
// too few: three bytes a token and a few for each message's frame.
func estimate(o body.Object, chat *understudy.Chat) int {
	bytes := len(o.Get("tools")) + len(o.Get("functions"))
	for _, m := range chat.Messages {
		bytes += len(m.Text()) + len(m.ToolCalls)
	}
	return (bytes+2)/3 + 8*len(chat.Messages) + max(maxTokens(o), leastAnswer)
}

// leastAnswer is the room for an answer where the client sets no limit.
const leastAnswer = 64

// maxTokens is the client's own limit of the answer, 0 if it sets none.
func maxTokens(o body.Object) int {
	for _, name := range []string{"max_completion_tokens", "max_tokens"} {
		if n, err := strconv.Atoi(string(o.Get(name))); err == nil && n > 0 {
			return n
		}
	}
	return 0
}

// wantsJSON reports whether an answer that is no JSON cannot be right: the
// request says so, or the endpoint's history does.
func (x *exchange) wantsJSON() bool {
	switch gjson.GetBytes(x.body.Get("response_format"), "type").Str {
	case "json_object", "json_schema":
		return true
	}
	return x.target.JSONTasks[x.targetTask()]
}
