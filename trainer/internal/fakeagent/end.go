package fakeagent

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

// endItself ends the pod that this agent runs in, as the real one does: past
// its deadline, and when nobody has talked to it for long.
func (a *Agent) endItself() {
	deadline, _ := strconv.ParseInt(os.Getenv("AGENT_DEADLINE"), 10, 64)
	contact, _ := strconv.Atoi(os.Getenv("AGENT_CONTACT_TIMEOUT"))
	base := os.Getenv("AGENT_TERMINATE_URL")
	if base == "" {
		return
	}
	a.mu.Lock()
	a.heard = time.Now()
	a.mu.Unlock()
	for ; ; time.Sleep(50 * time.Millisecond) {
		a.mu.Lock()
		alone := time.Since(a.heard)
		a.mu.Unlock()
		if deadline > 0 && time.Now().Unix() > deadline || contact > 0 && alone > time.Duration(contact)*time.Second {
			break
		}
	}
	a.Control.Event("ends its pod")
	for ; ; time.Sleep(time.Second) {
		req, err := http.NewRequest(http.MethodDelete, base+"/pods/"+os.Getenv("RUNPOD_POD_ID"), nil)
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+os.Getenv("RUNPOD_API_KEY"))
		req.Header.Set("User-Agent", "understudy-agent")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		res.Body.Close()
	}
}
