package gateway

import (
	"encoding/json"
	"net/http"
)

// problem is an error of ours, in OpenAI's shape with a type of its own.
type problem struct {
	status  int
	code    string
	message string
	param   string // the request's field that is wrong, "" if none
}

func (p problem) body() []byte {
	var param *string
	if p.param != "" {
		param = &p.param
	}
	raw, _ := json.Marshal(map[string]any{"error": map[string]any{ // strings always marshal
		"message": p.message, "type": "understudy_error", "param": param, "code": p.code,
	}})
	return raw
}

// fail answers with a problem. Nothing may have been sent before.
func (g *Gateway) fail(w http.ResponseWriter, p problem) {
	g.meter.requests.WithLabelValues("", "none", p.code, code(p.status)).Inc()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	_, _ = w.Write(append(p.body(), '\n'))
}

// event is the problem as the last event of a stream that breaks.
func (p problem) event() []byte {
	return append(append([]byte("data: "), p.body()...), '\n', '\n')
}
