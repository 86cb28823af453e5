package charts

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

var monitored = map[string]any{"monitoring": map[string]any{
	"serviceMonitor": map[string]any{"enabled": true, "labels": map[string]any{"release": "prometheus"}},
	"rules":          map[string]any{"enabled": true, "labels": map[string]any{"role": "alerts"}},
	"dashboard":      map[string]any{"enabled": true},
	"from":           []any{map[string]any{"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": "monitoring"}}}},
}}

// manifest is the one that a template became, as JSON into v.
func manifest(t *testing.T, r Rendered, template string, v any) {
	t.Helper()
	for _, m := range r.Manifests {
		if strings.HasSuffix(m.Name, "/"+template) {
			if err := yaml.UnmarshalStrict([]byte(m.Content), v); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("%s rendered to nothing", template)
}

type meta struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
}

type alerts struct {
	meta `json:",inline"`
	Spec struct {
		Groups []struct {
			Name  string `json:"name"`
			Rules []struct {
				Alert       string            `json:"alert"`
				Expr        string            `json:"expr"`
				For         string            `json:"for"`
				Labels      map[string]string `json:"labels"`
				Annotations map[string]string `json:"annotations"`
			} `json:"rules"`
		} `json:"groups"`
	} `json:"spec"`
}

func withValues(t *testing.T, v map[string]any) Rendered {
	t.Helper()
	r, err := Render(platform, "understudy", namespace, v)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMonitoringIsOffUnlessAskedFor(t *testing.T) {
	for _, m := range withValues(t, nil).Manifests {
		if strings.Contains(m.Name, "/monitoring/") {
			t.Errorf("%s is rendered", m.Name)
		}
	}
}

// exposed are the names that the services' own tests hold them to, and those
// that a histogram adds.
func exposed(t *testing.T) []string {
	t.Helper()
	var contract struct{ Backend, Evaluator, Trainer, Inference []string }
	if err := json.Unmarshal([]byte(readFile(t, "../contract/metrics.json")), &contract); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range slices.Concat(contract.Backend, contract.Evaluator, contract.Trainer, contract.Inference) {
		names = append(names, n, n+"_bucket", n+"_sum", n+"_count")
	}
	return names
}

var grafana = regexp.MustCompile(`\$(__rate_interval|__range)`)

// ask parses an expression as Prometheus does and returns the metrics in it.
func ask(t *testing.T, expr string) (names []string) {
	t.Helper()
	expr = strings.ReplaceAll(grafana.ReplaceAllString(expr, "5m"), "$endpoint", ".*")
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %v", expr, err)
		return nil
	}
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			names = append(names, v.Name)
		}
		return nil
	})
	return names
}

func TestAlertsAskForWhatThereIs(t *testing.T) {
	var r alerts
	manifest(t, withValues(t, monitored), "monitoring/rules.yaml", &r)
	if r.Kind != "PrometheusRule" || r.Metadata.Labels["role"] != "alerts" || len(r.Spec.Groups) == 0 {
		t.Fatalf("got %+v", r)
	}
	there, seen := exposed(t), map[string]bool{}
	for _, rule := range r.Spec.Groups[0].Rules {
		if seen[rule.Alert] || !strings.HasPrefix(rule.Alert, "Understudy") || rule.Annotations["summary"] == "" || !slices.Contains([]string{"critical", "warning", "info"}, rule.Labels["severity"]) {
			t.Errorf("%+v", rule)
		}
		seen[rule.Alert] = true
		names := ask(t, rule.Expr)
		if len(names) == 0 {
			t.Errorf("%s asks for nothing", rule.Alert)
		}
		for _, n := range names {
			if !slices.Contains(there, n) {
				t.Errorf("%s asks for %s, which no service exposes", rule.Alert, n)
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d alerts", len(seen))
	}
}

func TestTheDashboardAsksForWhatThereIs(t *testing.T) {
	var m corev1.ConfigMap
	manifest(t, withValues(t, monitored), "monitoring/dashboard.yaml", &m)
	if m.Labels["grafana_dashboard"] != "1" {
		t.Errorf("labels %v", m.Labels)
	}
	var d struct {
		Title, UID string
		Panels     []struct {
			ID          int
			Type, Title string
			Description string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(m.Data["understudy.json"]), &d); err != nil {
		t.Fatal(err)
	}
	there, asked, ids := exposed(t), map[string]bool{}, map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 || p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("panel %+v", p)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			for _, n := range ask(t, target.Expr) {
				asked[n] = true
				if !slices.Contains(there, n) {
					t.Errorf("%s asks for %s, which no service exposes", p.Title, n)
				}
			}
		}
	}
	if d.UID == "" || len(asked) < 15 {
		t.Errorf("dashboard %q asks for %d metrics", d.Title, len(asked))
	}
}

func TestMetricsAreReadFromEveryService(t *testing.T) {
	r := withValues(t, monitored)
	var m struct {
		meta `json:",inline"`
		Spec struct {
			Selector struct {
				MatchExpressions []struct {
					Key, Operator string
					Values        []string
				} `json:"matchExpressions"`
			} `json:"selector"`
			NamespaceSelector struct {
				MatchNames []string `json:"matchNames"`
			} `json:"namespaceSelector"`
			TargetLabels []string `json:"targetLabels"`
			Endpoints    []struct{ Port, Path, Interval string }
		} `json:"spec"`
	}
	manifest(t, r, "monitoring/servicemonitor.yaml", &m)
	if m.Kind != "ServiceMonitor" || m.Metadata.Labels["release"] != "prometheus" || len(m.Spec.Endpoints) != 1 || m.Spec.NamespaceSelector.MatchNames[0] != namespace {
		t.Fatalf("got %+v", m)
	}
	apps := m.Spec.Selector.MatchExpressions[0].Values
	for _, mode := range []Rendered{r, renderMode(t, slm, "serve")} {
		for _, manifest := range mode.Manifests {
			if manifest.Head.Kind != "Service" {
				continue
			}
			var s corev1.Service
			if err := yaml.Unmarshal([]byte(manifest.Content), &s); err != nil {
				t.Fatal(err)
			}
			tells := s.Name != "postgres" && s.Name != "redis"
			if slices.Contains(apps, s.Labels["app"]) != tells {
				t.Errorf("Service %s of app %q: selected %v", s.Name, s.Labels["app"], !tells)
			}
			if tells && s.Spec.Ports[0].Name != m.Spec.Endpoints[0].Port {
				t.Errorf("Service %s has the port %q", s.Name, s.Spec.Ports[0].Name)
			}
		}
	}
}

func TestOnlyWhoIsNamedMayReadMetrics(t *testing.T) {
	var p networkingv1.NetworkPolicy
	manifest(t, withValues(t, monitored), "monitoring/networkpolicy.yaml", &p)
	from := p.Spec.Ingress[0].From
	if len(from) != 1 || from[0].NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] != "monitoring" || p.Spec.Ingress[0].Ports[0].Port.String() != "http" {
		t.Errorf("got %+v", p.Spec)
	}
	for app, reached := range map[string]bool{"backend": true, "slm-inference": true, "postgres": false, "redis": false} {
		selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil {
			t.Fatal(err)
		}
		if got := selector.Matches(labels.Set{"app": app}); got != reached {
			t.Errorf("%s reached: %v", app, got)
		}
	}
}
