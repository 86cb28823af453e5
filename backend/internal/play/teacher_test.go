package play

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheTeacherAnswersOutOfTheRecordingOnly(t *testing.T) {
	c := NewConversation("Label it.", "Where is my parcel?", `{"wishes": ["delivery"]}`)
	srv := httptest.NewServer(NewTeacher([]Conversation{c}, 0).Handler())
	defer srv.Close()
	post := func(body string) (int, string) {
		res, err := http.Post(srv.URL+"/v1/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	messages, _ := json.Marshal(c.Messages)
	ask := func(extra string) string { return `{"model":"x","messages":` + string(messages) + extra + `}` }

	if status, body := post(ask("")); status != 200 || !strings.Contains(body, `{\"wishes\": [\"delivery\"]}`) {
		t.Errorf("plain: %d %s", status, body)
	}
	_, stream := post(ask(`,"stream":true,"stream_options":{"include_usage":true}`))
	var text bytes.Buffer
	for _, event := range strings.Split(stream, "\n\n") {
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if json.Unmarshal([]byte(strings.TrimPrefix(event, "data: ")), &chunk) == nil && len(chunk.Choices) > 0 {
			text.WriteString(chunk.Choices[0].Delta.Content)
		}
	}
	if text.String() != c.AnswerText() || !strings.HasSuffix(stream, "data: [DONE]\n\n") || !strings.Contains(stream, `"usage"`) {
		t.Errorf("stream: %s", stream)
	}
	if status, _ := post(`{"messages":[{"role":"user","content":"something else"}]}`); status != 404 {
		t.Errorf("an unrecorded request: %d", status)
	}
	if status, _ := post(`{`); status != 400 {
		t.Errorf("broken JSON: %d", status)
	}
}
