package fakerunpod

import (
	"net/http"
	"time"
)

// spent is what all pods have cost. s.mu is held.
func (s *Server) spent(now time.Time) float64 {
	var sum float64
	for _, p := range s.pods {
		sum += p.usd(now)
	}
	return sum
}

// billing answers with one record a pod, whose bucket is the time asked for.
func (s *Server) billing(w http.ResponseWriter, r *http.Request, _ caller) {
	q := r.URL.Query()
	from, err1 := moment(q.Get("startTime"), time.Now().AddDate(0, 0, -30))
	to, err2 := moment(q.Get("endTime"), time.Now())
	if err1 != nil || err2 != nil {
		fail(w, 422, "Request validation failed.", "startTime, endTime: must be RFC 3339")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	records := []any{}
	var total float64
	for _, p := range s.pods {
		if id := q.Get("podId"); id != "" && id != p.id || p.created.After(to) {
			continue
		}
		usd := p.usd(now)
		total += usd
		records = append(records, map[string]any{"podId": p.id, "startTime": from.UTC().Format(time.RFC3339), "endTime": to.UTC().Format(time.RFC3339),
			"totalAmount": usd, "gpuAmount": usd, "cpuAmount": 0, "diskAmount": 0})
	}
	reply(w, 200, map[string]any{"records": records, "metadata": map[string]any{"query": map[string]any{}, "recordCount": len(records), "uniquePodCount": len(records),
		"totals": map[string]any{"totalAmount": total, "gpuAmount": total, "cpuAmount": 0, "diskAmount": 0}}})
}

func moment(s string, otherwise time.Time) (time.Time, error) {
	if s == "" {
		return otherwise, nil
	}
	return time.Parse(time.RFC3339, s)
}
