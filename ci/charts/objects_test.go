package charts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// The contract: what users and scripts call things.
func TestNamesPortsAndLabelsAreThePromisedOnes(t *testing.T) {
	list := objects(t, renderMode(t, platform, "default"))
	for _, c := range []struct {
		app, kind, service string
		port               int32
		replicas           int32
		cpu, memory        string
	}{
		{"backend", "Deployment", "backend-service", 8000, 2, "2", "4Gi"},
		{"evaluation-service", "Deployment", "evaluation-service", 8001, 2, "2", "4Gi"},
		{"training-service", "Deployment", "training-service", 8002, 1, "1", "1Gi"},
		{"frontend", "Deployment", "frontend-service", 3000, 2, "500m", "256Mi"},
		{"redis", "Deployment", "redis", 6379, 1, "500m", "512Mi"},
		{"postgres", "StatefulSet", "postgres", 5432, 1, "2", "2Gi"},
	} {
		var replicas int32 = -1
		if d, ok := find[*appsv1.Deployment](list, c.app); ok && c.kind == "Deployment" {
			replicas = *d.Spec.Replicas
		}
		if s, ok := find[*appsv1.StatefulSet](list, c.app); ok && c.kind == "StatefulSet" {
			replicas = *s.Spec.Replicas
		}
		if replicas != c.replicas {
			t.Errorf("%s %s: %d replicas, want %d", c.kind, c.app, replicas, c.replicas)
		}
		s, ok := find[*corev1.Service](list, c.service)
		if !ok || s.Spec.Ports[0].Port != c.port || s.Spec.Selector["app"] != c.app {
			t.Errorf("Service %s: %+v", c.service, s)
		}
		for _, p := range pods(list) {
			if p.owner.GetName() != c.app {
				continue
			}
			limits := p.spec.Containers[0].Resources.Limits
			if p.meta.Labels["app"] != c.app || p.spec.Containers[0].Ports[0].ContainerPort != c.port {
				t.Errorf("the pod of %s: labels %v, ports %v", c.app, p.meta.Labels, p.spec.Containers[0].Ports)
			}
			if limits.Cpu().String() != c.cpu || limits.Memory().String() != c.memory {
				t.Errorf("the limits of %s: %v", c.app, limits)
			}
		}
	}
}

// A selector that matches nothing, or too much, is the mistake that no server reports.
func TestSelectorsMatchExactlyTheirPods(t *testing.T) {
	everyMode(t, func(t *testing.T, _ string, list []object) {
		all := pods(list)
		matching := func(selector *metav1.LabelSelector) []string {
			s, err := metav1.LabelSelectorAsSelector(selector)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, p := range all {
				if s.Matches(labels.Set(p.meta.Labels)) {
					out = append(out, p.owner.GetName())
				}
			}
			return out
		}
		for _, o := range list {
			var selector *metav1.LabelSelector
			want := []string{o.GetName()}
			switch x := o.typed.(type) {
			case *appsv1.Deployment:
				selector = x.Spec.Selector
			case *appsv1.StatefulSet:
				selector = x.Spec.Selector
				if x.Spec.ServiceName != o.GetName() {
					t.Errorf("%s: its Service is %s", o, x.Spec.ServiceName)
				}
			case *policyv1.PodDisruptionBudget:
				selector = x.Spec.Selector
			case *networkingv1.NetworkPolicy:
				selector = &x.Spec.PodSelector
				switch o.GetName() {
				case "understudy-default-deny":
					want = nil
					for _, p := range all {
						want = append(want, p.owner.GetName())
					}
				case "understudy-hooks":
					want = nil
					for _, p := range all {
						if p.owner.kind == "Job" {
							want = append(want, p.owner.GetName())
						}
					}
				}
			case *corev1.Service:
				selector = &metav1.LabelSelector{MatchLabels: x.Spec.Selector}
				want = []string{x.Spec.Selector["app"]}
				for _, p := range all {
					if p.owner.GetName() == want[0] && !slices.ContainsFunc(p.spec.Containers[0].Ports, func(c corev1.ContainerPort) bool {
						return c.Name == x.Spec.Ports[0].TargetPort.StrVal
					}) {
						t.Errorf("%s leads to no port of %s", o, want[0])
					}
				}
			default:
				continue
			}
			got := matching(selector)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s selects %v, want %v", o, got, want)
			}
		}
	})
}

// Nothing may refer to what is neither there, nor made by a hook, nor named by the values.
func TestWhatPodsReferToExists(t *testing.T) {
	elsewhere := map[string][]string{
		"default":  {"Secret/understudy-keys", "Secret/understudy-postgres"}, // the hook's
		"minimal":  {"Secret/understudy-keys", "Secret/understudy-postgres"}, // the operator's, the hook is off
		"external": {"Secret/company-keys", "Secret/company-database"},       // the operator's
		"mirror":   {"Secret/understudy-keys", "Secret/understudy-postgres", "Secret/company-redis", "Secret/registry", "PersistentVolumeClaim/company-training", "PersistentVolumeClaim/company-postgres"},
	}
	everyMode(t, func(t *testing.T, mode string, list []object) {
		there := map[string]bool{}
		for _, o := range list {
			there[o.String()] = true
		}
		used := map[string]bool{}
		for _, p := range pods(list) {
			for _, r := range references(p.spec) {
				if there[r] {
					continue
				}
				if used[r] = true; !slices.Contains(elsewhere[mode], r) {
					t.Errorf("%s refers to %s, which nobody makes", p.owner, r)
				}
			}
		}
		for _, r := range elsewhere[mode] {
			if !used[r] {
				t.Errorf("%s is not used", r)
			}
		}
		if slices.ContainsFunc(list, func(o object) bool { return o.kind == "Secret" }) {
			t.Error("a Secret is in the chart, so its value is in the release's record")
		}
	})
}

// references lists what a pod cannot start without.
func references(s corev1.PodSpec) []string {
	is := func(b *bool) bool { return b != nil && *b }
	out := []string{"ServiceAccount/" + s.ServiceAccountName}
	for _, p := range s.ImagePullSecrets {
		out = append(out, "Secret/"+p.Name)
	}
	for _, v := range s.Volumes {
		switch {
		case v.ConfigMap != nil && !is(v.ConfigMap.Optional):
			out = append(out, "ConfigMap/"+v.ConfigMap.Name)
		case v.Secret != nil && !is(v.Secret.Optional):
			out = append(out, "Secret/"+v.Secret.SecretName)
		case v.PersistentVolumeClaim != nil:
			out = append(out, "PersistentVolumeClaim/"+v.PersistentVolumeClaim.ClaimName)
		}
	}
	for _, c := range append(slices.Clone(s.InitContainers), s.Containers...) {
		for _, e := range c.EnvFrom {
			if e.ConfigMapRef != nil {
				out = append(out, "ConfigMap/"+e.ConfigMapRef.Name)
			}
		}
		for _, e := range c.Env {
			switch from := e.ValueFrom; {
			case from == nil:
			case from.SecretKeyRef != nil && !is(from.SecretKeyRef.Optional):
				out = append(out, "Secret/"+from.SecretKeyRef.Name)
			case from.ConfigMapKeyRef != nil && !is(from.ConfigMapKeyRef.Optional):
				out = append(out, "ConfigMap/"+from.ConfigMapKeyRef.Name)
			}
		}
	}
	return out
}

// An optional reference to a ConfigMap hides a name that nobody sets; only these may be unset.
func TestOptionalVariablesAreSetWhereTheyShouldBe(t *testing.T) {
	mayBeUnset := []string{"AGENT_URL"}
	everyMode(t, func(t *testing.T, _ string, list []object) {
		config, ok := find[*corev1.ConfigMap](list, "understudy-config")
		if !ok {
			t.Fatal("there is no ConfigMap understudy-config")
		}
		for _, p := range pods(list) {
			seen := map[string]bool{}
			for _, e := range p.spec.Containers[0].Env {
				if seen[e.Name] {
					t.Errorf("%s sets %s twice", p.owner, e.Name)
				}
				seen[e.Name] = true
				if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
					if _, ok := config.Data[e.ValueFrom.ConfigMapKeyRef.Key]; !ok && !slices.Contains(mayBeUnset, e.Name) {
						t.Errorf("%s reads %s, which understudy-config has not", p.owner, e.Name)
					}
				}
			}
		}
	})
}

func TestAnEndingPodIsOutOfTheAddressesBeforeItStops(t *testing.T) {
	for _, p := range pods(objects(t, renderMode(t, platform, "default"))) {
		if p.owner.hook || !slices.Contains([]string{"backend", "evaluation-service", "frontend"}, p.owner.GetName()) {
			continue
		}
		sleep := p.spec.Containers[0].Lifecycle.PreStop.Sleep.Seconds
		if sleep < 5 || *p.spec.TerminationGracePeriodSeconds < sleep+25 {
			t.Errorf("%s sleeps %d s of %d s", p.owner, sleep, *p.spec.TerminationGracePeriodSeconds)
		}
		if len(p.spec.TopologySpreadConstraints) != 1 {
			t.Errorf("%s is not spread", p.owner)
		}
	}
}

func TestEveryImageComesFromTheMirror(t *testing.T) {
	list := objects(t, renderMode(t, platform, "mirror"))
	images := map[string]bool{}
	for _, p := range pods(list) {
		images[p.spec.Containers[0].Image] = true
		if p.spec.Containers[0].ImagePullPolicy != corev1.PullAlways || len(p.spec.ImagePullSecrets) != 1 {
			t.Errorf("%s: pull policy or secret", p.owner)
		}
	}
	config, _ := find[*corev1.ConfigMap](list, "understudy-config")
	images[config.Data["SLM_IMAGE"]] = true
	for image := range images {
		if !strings.HasPrefix(image, "registry.example.com/mirror/") {
			t.Errorf("%s", image)
		}
	}
	if !images["registry.example.com/mirror/postgres:17"] || !images["registry.example.com/mirror/understudy-slm-inference:v0.1.0"] ||
		!images["registry.example.com/mirror/understudy-backend@sha256:"+strings.Repeat("a", 64)] {
		t.Errorf("%v", images)
	}
	if got := config.Data["MODELS_URL"]; got != "http://models.example.com:8081/base" {
		t.Errorf("MODELS_URL=%s", got)
	}
}

func TestClaimsOutliveAnUninstallUnlessToldOtherwise(t *testing.T) {
	for mode, want := range map[string]string{"default": "postgres-data keep, training-data keep", "external": "training-data "} {
		var got []string
		for _, o := range objects(t, renderMode(t, platform, mode)) {
			if o.kind == "PersistentVolumeClaim" {
				got = append(got, fmt.Sprint(o.GetName(), " ", o.GetAnnotations()["helm.sh/resource-policy"]))
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q", mode, got, want)
		}
	}
}

// Ending the backend's pods is the first part of the cleanup.
func TestTheCleanupOutlastsTheBackendsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		values map[string]any
		args   string
		job    int64
	}{
		"as it comes":           {nil, "--timeout=300s", 330},
		"a long answer's time":  {map[string]any{"backend": map[string]any{"terminationGracePeriodSeconds": 3600}}, "--timeout=3720s", 3750},
		"an operator's seconds": {map[string]any{"hooks": map[string]any{"cleanup": map[string]any{"timeoutSeconds": 30}}}, "--timeout=30s", 60},
	} {
		r, err := Render(platform, "understudy", namespace, c.values)
		if err != nil {
			t.Fatal(err)
		}
		j, ok := find[*batchv1.Job](objects(t, r), "understudy-cleanup")
		if !ok {
			t.Fatalf("%s: there is no cleanup", name)
		}
		if args := j.Spec.Template.Spec.Containers[0].Args; args[len(args)-1] != c.args || *j.Spec.ActiveDeadlineSeconds != c.job {
			t.Errorf("%s: %v in %d s", name, args, *j.Spec.ActiveDeadlineSeconds)
		}
	}
}

// What a killed Redis held is lost; what it refuses is told in the log.
func TestRedisRefusesBeforeItIsKilled(t *testing.T) {
	for _, p := range pods(objects(t, renderMode(t, platform, "default"))) {
		if p.owner.GetName() != "redis" {
			continue
		}
		c := p.spec.Containers[0]
		args := strings.Join(c.Args, " ")
		_, most, _ := strings.Cut(args, "--maxmemory ")
		most, _, _ = strings.Cut(most, "mb ")
		mebibytes, err := strconv.ParseInt(most, 10, 64)
		if limit := c.Resources.Limits.Memory().Value(); err != nil || mebibytes<<20 > limit/2 || !strings.HasSuffix(args, "--maxmemory-policy noeviction") {
			t.Errorf("redis-server %s in %d bytes (%v)", args, limit, err)
		}
	}
}
