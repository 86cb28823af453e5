package platform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Client speaks to a platform, wherever that runs.
type Client struct {
	Backend string // base URL
	Admin   string // admin key
	Key     string // client key
}

// API calls the management API and reads the answer into out, if not nil. It
// tries again while the backend is being restarted.
func (c *Client) API(method, path string, body, out any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		status, answer, err := c.call(method, path, raw)
		switch {
		case err == nil && status < 300:
			if out == nil {
				return nil
			}
			return json.Unmarshal(answer, out)
		case err == nil && status < 500:
			return fmt.Errorf("%s %s: %d %s", method, path, status, answer)
		case time.Now().After(deadline):
			return errors.Join(err, fmt.Errorf("%s %s: %d %s", method, path, status, answer))
		}
		time.Sleep(100 * time.Millisecond) // nothing tells when a killed backend answers again
	}
}

var client = &http.Client{Timeout: 20 * time.Second}

func (c *Client) call(method, path string, body []byte) (int, []byte, error) {
	req, err := http.NewRequest(method, c.Backend+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Admin)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, b, err
}

// Model is what tests read of a model.
type Model struct {
	ID, Name, Phase, Reason, Verdict, Release string
	Revision                                  int
}

// Model returns a model by id or name.
func (c *Client) Model(id string) (Model, error) {
	var m Model
	err := c.API("GET", "/models/"+id, nil, &m)
	return m, err
}

// Completion asks for a completion and returns the answer's text, who gave it
// and its pair's id.
func (c *Client) Completion(endpoint string, messages []json.RawMessage) (text string, header http.Header, err error) {
	body, err := json.Marshal(map[string]any{"model": endpoint, "messages": messages, "temperature": 0})
	if err != nil {
		return "", nil, err
	}
	req, err := http.NewRequest("POST", c.Backend+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return "", nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	res, err := client.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return "", nil, err
	}
	if res.StatusCode != http.StatusOK {
		return "", res.Header, fmt.Errorf("status %d: %s", res.StatusCode, b)
	}
	var out struct {
		Choices []struct{ Message struct{ Content string } }
	}
	if err := json.Unmarshal(b, &out); err != nil || len(out.Choices) == 0 {
		return "", res.Header, fmt.Errorf("no completion: %s", b)
	}
	return out.Choices[0].Message.Content, res.Header, nil
}
