package runpod

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const logPatience = 3 * time.Second

// Tail returns the last lines that a pod's container printed. The stream does
// not end by itself, so it is read for a short time.
func (c *Client) Tail(ctx context.Context, id string, lines string) []string {
	ctx, cancel := context.WithTimeout(ctx, logPatience)
	defer cancel()
	query := url.Values{"source": {"container"}, "tail": {lines}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/pods/"+url.PathEscape(id)+"/logs?"+query.Encode(), nil)
	if err != nil {
		return nil
	}
	req.Header.Set("Authorization", "Bearer "+c.Key.Reveal())
	req.Header.Set("User-Agent", c.UserAgent)
	req.Header.Set("Accept", "text/event-stream")
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil
	}
	var out []string
	for events := bufio.NewScanner(res.Body); events.Scan(); {
		data, ok := strings.CutPrefix(events.Text(), "data:")
		var event struct {
			Line string `json:"line"`
		}
		if ok && json.Unmarshal([]byte(data), &event) == nil {
			out = append(out, event.Line)
		}
	}
	return out
}

// lastWords is the last line that a pod printed.
func (p *Provider) lastWords(id string) string {
	lines := p.Client.Tail(context.Background(), id, "5")
	if len(lines) == 0 {
		return "(nothing)"
	}
	line := lines[len(lines)-1]
	return line[:min(len(line), 300)]
}
