package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	understudy "understudy.dev/backend"
)

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func (a *API) exportRoute(tag string) {
	op := a.operation(http.MethodGet, "/endpoints/{endpoint}/pairs:export", "export-pairs", tag, "Export conversations", 200)
	op.Description = "JSON lines in OpenAI's fine-tuning format, oldest first: complete answers of the LLM, or with source=slm the SLM's."
	op.Parameters = []*huma.Param{{Name: "endpoint", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}}}
	op.Parameters = append(op.Parameters,
		&huma.Param{Name: "source", In: "query", Schema: &huma.Schema{Type: "string", Enum: []any{"llm", "slm"}}},
		&huma.Param{Name: "split", In: "query", Schema: &huma.Schema{Type: "string", Enum: []any{"train", "eval"}}},
		&huma.Param{Name: "user", In: "query", Schema: &huma.Schema{Type: "string"}})
	op.Responses = map[string]*huma.Response{"200": {Description: "The conversations", Content: map[string]*huma.MediaType{
		"application/jsonl": {Schema: &huma.Schema{Type: "string"}}}}}
	a.stream(op, func(w http.ResponseWriter, r *http.Request, param func(string) string) {
		q := r.URL.Query()
		f := PairFilter{Source: q.Get("source"), Split: q.Get("split"), User: q.Get("user")}.of(param("endpoint"))
		if f.Source == "" {
			f.Source = understudy.SourceLLM
		}
		if _, err := a.endpoint(r.Context(), f.Endpoint); err != nil {
			writeProblem(r.Context(), w, err)
			return
		}
		w.Header().Set("Content-Type", "application/jsonl")
		w.Header().Set("Content-Disposition", `attachment; filename="`+f.Endpoint+`.jsonl"`)
		if err := a.export(r.Context(), w, f); err != nil {
			// The status is sent: breaking off is how the client hears of it.
			panic(http.ErrAbortHandler)
		}
	})
}

// firstPair is before every pair's id.
const firstPair = "0"

func (a *API) export(ctx context.Context, w http.ResponseWriter, f understudy.PairFilter) error {
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	f.After, f.Limit = firstPair, importBatch
	for {
		pairs, next, err := a.DB.Pairs(ctx, f)
		if err != nil {
			return err
		}
		for _, p := range pairs {
			line, ok := lineOf(p)
			if !ok {
				continue
			}
			if err := lines.Encode(line); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		f.After = next
	}
}

// lineOf returns false for what is no whole conversation, and for shadows,
// which no client has seen.
func lineOf(p understudy.Pair) (tuningLine, bool) {
	var l tuningLine
	if !p.Complete || p.Reason == understudy.ReasonShadow || json.Unmarshal(p.Request, &l) != nil || len(l.Messages) == 0 {
		return l, false
	}
	reply := map[string]any{"role": "assistant", "content": p.Answer.Text}
	if len(p.Answer.ToolCalls) > 0 {
		reply["tool_calls"] = p.Answer.ToolCalls
		if p.Answer.Text == "" {
			reply["content"] = nil
		}
	}
	raw, err := canonical(reply)
	if err != nil {
		return l, false
	}
	l.Messages, l.User, l.Source = append(l.Messages, raw), "", ""
	if p.Source == understudy.SourceSLM {
		l.Source = p.Source
	}
	return l, true
}
