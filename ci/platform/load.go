package platform

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Load is an application that goes on asking at a steady rate, every second
// request streamed. It tries again as OpenAI's client does: twice, after a
// connection error or a status that says "later".
type Load struct {
	client   *Client
	endpoint string
	messages func(i int) []json.RawMessage
	http     *http.Client
	quit     chan struct{}
	done     sync.WaitGroup

	mu      sync.Mutex
	Told    []Told  // every answer's pair
	Failed  []error // requests that failed for good
	Retries int
	Cut     int // streams that broke after their first content
	SLM     int // answers by the SLM
}

// Told is a pair that the application was told of.
type Told struct {
	Pair string
	At   time.Time
}

const loadRetries = 2 // the OpenAI client's default

// StartLoad asks rate requests a second until Stop; messages gives the i-th.
func (c *Client) StartLoad(rate int, endpoint string, messages func(i int) []json.RawMessage) *Load {
	l := &Load{client: c, endpoint: endpoint, messages: messages, quit: make(chan struct{}),
		http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	l.done.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-l.quit:
				return
			case <-tick.C:
				l.done.Go(func() { l.one(i) })
			}
		}
	})
	return l
}

// Stop ends the load and waits for the requests that are under way.
func (l *Load) Stop() {
	close(l.quit)
	l.done.Wait()
	l.http.CloseIdleConnections()
}

// Count returns how many answers there are, and how many of them the SLM's.
func (l *Load) Count() (answers, slm int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.Told), l.SLM
}

var errCut = errors.New("the stream broke after its first content")

func (l *Load) one(i int) {
	wait := 500 * time.Millisecond
	for try := 0; ; try++ {
		header, again, err := l.ask(i)
		l.mu.Lock()
		switch {
		case err == nil:
			l.Told = append(l.Told, Told{header.Get("X-Understudy-Pair"), time.Now()})
			if header.Get("X-Understudy-Source") == "slm" {
				l.SLM++
			}
		case errors.Is(err, errCut):
			l.Cut++
		case again && try < loadRetries:
			l.Retries++
			l.mu.Unlock()
			time.Sleep(wait) // the client's own backoff
			wait *= 2
			continue
		default:
			l.Failed = append(l.Failed, fmt.Errorf("request %d at %s: %w", i, time.Now().Format("15:04:05.000"), err))
		}
		l.mu.Unlock()
		return
	}
}

func (l *Load) ask(i int) (header http.Header, again bool, err error) {
	stream := i%2 == 1
	body, err := json.Marshal(map[string]any{"model": l.endpoint, "messages": l.messages(i), "temperature": 0, "stream": stream})
	if err != nil {
		return nil, false, err
	}
	req, err := http.NewRequest("POST", l.client.Backend+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Authorization", "Bearer "+l.client.Key)
	res, err := l.http.Do(req)
	if err != nil {
		return nil, true, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		again := res.StatusCode >= 500 || res.StatusCode == 408 || res.StatusCode == 409 || res.StatusCode == 429
		return res.Header, again, fmt.Errorf("status %d: %s", res.StatusCode, b)
	}
	if stream {
		return res.Header, false, readStream(res.Body)
	}
	// A body that breaks off is a connection error to the client.
	b, err := io.ReadAll(res.Body)
	if err == nil && !json.Valid(b) {
		err = fmt.Errorf("no JSON: %s", b)
	}
	return res.Header, true, err
}

func readStream(body io.Reader) error {
	content := false
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			return nil
		}
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
			Error   json.RawMessage
		}
		err := json.Unmarshal([]byte(data), &chunk)
		if err != nil || chunk.Error != nil {
			break
		}
		content = content || len(chunk.Choices) > 0 && chunk.Choices[0].Delta.Content != ""
	}
	if content {
		return errCut
	}
	return fmt.Errorf("the stream ended without content: %v", lines.Err())
}

// Missing returns the pairs of told that are not stored complete, after giving
// them patience to arrive.
func (c *Client) Missing(endpoint string, told []Told, patience time.Duration) ([]Told, error) {
	deadline := time.Now().Add(patience)
	for {
		stored := map[string]bool{}
		path := "/endpoints/" + endpoint + "/pairs?limit=500"
		for cursor := ""; ; {
			var page struct {
				Items []struct {
					ID       string
					Complete bool
				}
				Next string
			}
			if err := c.API("GET", path+cursor, nil, &page); err != nil {
				return nil, err
			}
			for _, x := range page.Items {
				stored[x.ID] = x.Complete
			}
			if page.Next == "" {
				break
			}
			cursor = "&cursor=" + page.Next
		}
		var missing []Told
		for _, x := range told {
			if !stored[x.Pair] {
				missing = append(missing, x)
			}
		}
		if len(missing) == 0 || time.Now().After(deadline) {
			return missing, nil
		}
		time.Sleep(500 * time.Millisecond) // nothing tells when a spool is empty
	}
}
