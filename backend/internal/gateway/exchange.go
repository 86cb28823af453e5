package gateway

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/gateway/body"
	"understudy.dev/backend/internal/gateway/capture"
	"understudy.dev/backend/internal/gateway/completion"
)

// exchange is one request of an endpoint on its way.
type exchange struct {
	g     *Gateway
	w     http.ResponseWriter
	r     *http.Request
	start time.Time
	st    *state

	endpoint understudy.Endpoint
	target   *understudy.Target
	upstream *upstream
	body     body.Object

	id         string // of the pair, "" if it is not captured
	stream     bool   // the client wants a stream
	usageAsked bool   // and its usage
	task       string // the client's own name for the task

	read    *understudy.Chat
	unread  bool // the messages cannot be read
	taskKey string
}

// chat reads the messages once. ok is false where they are not what a chat
// completion has; such a request is the LLM's to judge.
func (x *exchange) chat() (*understudy.Chat, bool) {
	if x.read == nil {
		x.read = &understudy.Chat{
			Tools: x.body.Get("tools"), Functions: x.body.Get("functions"), ResponseFormat: x.body.Get("response_format"),
			User: x.body.String("user"), SafetyID: x.body.String("safety_identifier"),
		}
		x.read.Messages, x.unread = messages(x.body.Get("messages"))
	}
	return x.read, !x.unread
}

// messages reads what the domain needs of a conversation; odd is true where
// one of them is no message.
func messages(raw []byte) (list []understudy.Message, odd bool) {
	// The bytes were checked as JSON, so that parsing them again cannot fail.
	gjson.ParseBytes(raw).ForEach(func(_, m gjson.Result) bool {
		var out understudy.Message
		odd = odd || m.Get("role").Type != gjson.String
		m.ForEach(func(k, v gjson.Result) bool {
			switch k.Str {
			case "role":
				out.Role = v.Str
			case "name":
				out.Name = v.Str
			case "content":
				out.Content = json.RawMessage(v.Raw)
			case "tool_calls":
				out.ToolCalls = json.RawMessage(v.Raw)
			}
			return true
		})
		list = append(list, out)
		return true
	})
	return list, odd
}

func (x *exchange) fingerprint() string {
	if x.taskKey == "" {
		chat, _ := x.chat()
		x.taskKey = chat.TaskFingerprint(x.endpoint.TaskMode(), x.task)
	}
	return x.taskKey
}

// targetTask is the request's task as the SLM on stage tells tasks apart. That
// may differ from how the endpoint does since: a model serves what it was
// trained on, whatever is learnt now.
func (x *exchange) targetTask() string {
	mode := cmp.Or(x.target.TaskMode, understudy.FingerprintFull)
	if mode == x.endpoint.TaskMode() {
		return x.fingerprint()
	}
	chat, _ := x.chat()
	return chat.TaskFingerprint(mode, x.task)
}

// notKept are the parts of a request that say where it goes, for whom, or how
// its answer comes, but not what is asked.
var notKept = map[string]bool{
	"model": true, "stream": true, "stream_options": true, "user": true, "safety_identifier": true, "metadata": true,
	"store": true, "service_tier": true, "prompt_cache_key": true, "prompt_cache_options": true, "prompt_cache_retention": true,
}

// outcome is what answered a request, for its pair.
type outcome struct {
	source     understudy.Source
	reason     understudy.Reason
	id         string // of the pair
	teacher    string // of a shadow answer: the LLM's pair
	firstToken time.Duration
	latency    time.Duration
	whole      []byte                // the answer's body, where it came whole
	chunks     *completion.Assembler // the answer, where it was a stream
	complete   bool                  // nothing was missing, as far as the path could see
}

// record hands the pair to the recorder, which makes it off the path.
func (x *exchange) record(o outcome) {
	if o.id == "" {
		return
	}
	n := 512 + len(x.body.Bytes()) + len(o.whole)
	if o.chunks != nil {
		n += o.chunks.Len()
	}
	// What the pair is made of must not keep the connection alive.
	request := *x
	request.w, request.r, request.st = nil, nil, nil
	x.g.recorder.Submit(capture.Item{Bytes: n, Pair: func() understudy.Pair { return request.pair(o) }})
}

func (x *exchange) pair(o outcome) understudy.Pair {
	chat, _ := x.chat()
	conversation := chat.ConversationHash()
	p := understudy.Pair{
		ID: o.id, Endpoint: x.endpoint.Name, User: clean(chat.EndUser()), Request: canonical(x.body),
		Source: o.source, Reason: o.reason, TeacherPair: o.teacher,
		Split: understudy.SplitOf(conversation), Conversation: conversation, Prompt: chat.PromptHash(), Fingerprint: x.fingerprint(),
		Latency: o.latency, FirstToken: o.firstToken, Complete: o.complete, CreatedAt: x.start.UTC(),
	}
	if o.source == understudy.SourceSLM {
		p.ModelID = x.target.ModelID
	}
	var usage completion.Usage
	if o.chunks != nil {
		p.Answer, usage = o.chunks.Answer(), o.chunks.Usage
	} else {
		var ok bool
		p.Answer, usage, ok = completion.Parse(o.whole)
		p.Complete = p.Complete && ok
	}
	p.Answer.Text = clean(p.Answer.Text)
	p.TokensIn, p.TokensOut, p.Counted = usage.Prompt, usage.Completion, usage.Raw != nil
	if !p.Counted {
		p.TokensIn, p.TokensOut = (len(x.body.Get("messages"))+3)/4, (len(p.Answer.Text)+len(p.Answer.ToolCalls)+3)/4
	}
	p.CostUSD = x.upstream.Cost(x.endpoint.UpstreamModel, p.TokensIn, p.TokensOut)
	return p
}

// canonical is the request as it is kept: without what routes it, its keys in
// order and without white space, so that equal requests are equal bytes.
func canonical(o body.Object) json.RawMessage {
	return o.Canonical(func(name string) bool { return !notKept[name] })
}

// clean replaces what no database takes as text.
func clean(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}
