package proxy

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// fail answers in OpenAI's error shape. A status that may pass by itself gets
// Retry-After.
func fail(w http.ResponseWriter, status int, code, message string) {
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	kind := "understudy_error"
	if status < 500 && status != http.StatusTooManyRequests {
		kind = "invalid_request_error"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"message": message, "type": kind, "param": nil, "code": code,
	}})
}

// maxError bounds what is read of an error body.
const maxError = 1 << 20

// translate turns llama.cpp's error body into OpenAI's shape: code is a
// string there, and param is always present. What else it says stays.
func translate(res *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(res.Body, maxError))
	res.Body.Close()
	if err != nil {
		return err
	}
	var body struct {
		Error map[string]any `json:"error"`
	}
	if json.Unmarshal(text, &body) == nil && body.Error != nil {
		kind, _ := body.Error["type"].(string)
		body.Error["code"] = kind
		if kind == "exceed_context_size_error" {
			body.Error["code"] = "context_length_exceeded"
		}
		body.Error["param"] = nil
		if again, err := json.Marshal(body); err == nil {
			text = again
		}
	}
	res.Body = io.NopCloser(bytes.NewReader(text))
	res.ContentLength = int64(len(text))
	res.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}
