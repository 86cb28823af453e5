package e2e

import (
	"encoding/json"
	"net/http"
	"testing"
)

// TestUninstallUnderWay uninstalls the platform while one model trains and two
// are on stage: neither a release nor the training may stay.
func TestUninstallUnderWay(t *testing.T) {
	w := install(t)
	for _, name := range []string{"one", "two"} {
		w.deployed(t, name, nil)
	}
	w.endpoint(t, "long", map[string]any{"hyperparameters": map[string]any{"maxSteps": 5000, "batchSize": 4}})
	w.ask(t, "long")
	id := w.train(t, "long").ID
	w.await(t, patience, func() bool { return w.agentState(t) == "training" }, func() string {
		m, err := w.Model(id)
		return "the agent is " + w.agentState(t) + ", the model " + m.Phase + ": " + m.Reason + errorText(err)
	})
	w.uninstall(t)
	if state := w.agentState(t); state == "training" || state == "loading" || state == "converting" {
		t.Errorf("after the uninstall the agent is %s", state)
	}
	for _, claim := range []string{"postgres-data", "training-data"} {
		kubectl(t, "get", "pvc", claim) // the data stays
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return " (" + err.Error() + ")"
}

// agentState asks the training agent what it does.
func (w *world) agentState(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://127.0.0.1:9400/v1/status", nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+agentToken)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	var s struct{ State string }
	must(t, json.NewDecoder(res.Body).Decode(&s))
	return s.State
}
