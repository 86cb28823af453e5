package charts

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestAnOperatorsPricesReachTheBackendAsItsFile(t *testing.T) {
	list := objects(t, withValues(t, map[string]any{"savings": map[string]any{"cpuUSDPerHour": 0.05, "prices": map[string]any{
		"source": "a contract", "date": "2026-11", "models": map[string]any{"gpt-4o-mini": map[string]any{"input": 0.1, "output": 0.4}}}}}))
	config, _ := find[*corev1.ConfigMap](list, "understudy-config")
	if config.Data["UNDERSTUDY_PRICES_FILE"] != "/etc/understudy/upstreams/prices.json" || config.Data["UNDERSTUDY_CPU_USD_PER_HOUR"] != "0.05" {
		t.Errorf("got %v", config.Data)
	}
	file, _ := find[*corev1.ConfigMap](list, "understudy-upstreams")
	var prices struct {
		Source, Date, Unit string
		Prices             map[string]struct{ Input, Output float64 }
	}
	if err := json.Unmarshal([]byte(file.Data["prices.json"]), &prices); err != nil || prices.Source == "" || prices.Date == "" || prices.Prices["gpt-4o-mini"].Output != 0.4 {
		t.Errorf("got %+v, %v", prices, err)
	}
	if prices.Unit != "US dollars per million tokens" {
		t.Errorf("the backend takes no prices in %q", prices.Unit)
	}
	without := objects(t, withValues(t, nil))
	if m, _ := find[*corev1.ConfigMap](without, "understudy-config"); m.Data["UNDERSTUDY_PRICES_FILE"] != "" {
		t.Error("a file is named that is not there")
	}
}
