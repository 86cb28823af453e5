package charts

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// party is one end of a connection: a pod, or what is no pod at all.
type party struct {
	name      string
	namespace string // "" is outside the cluster
	labels    labels.Set
	ports     []int32 // on which it listens
}

// admits computes what the policies say of a TCP connection, as the API's
// documentation has it: a pod that no policy selects for a direction is open;
// else some policy's rule must admit the other end and the port.
func admits(t *testing.T, policies []*networkingv1.NetworkPolicy, from, to party, port int32) bool {
	t.Helper()
	open := func(self, other party, direction networkingv1.PolicyType) bool {
		selected := false
		for _, p := range policies {
			if self.namespace != namespace || !matches(t, &p.Spec.PodSelector, self.labels) || !slices.Contains(p.Spec.PolicyTypes, direction) {
				continue
			}
			selected = true
			for _, rule := range rules(p, direction) {
				if ports(t, to, rule.ports, port) && peers(t, other, rule.peers) {
					return true
				}
			}
		}
		return !selected
	}
	return open(from, to, networkingv1.PolicyTypeEgress) && open(to, from, networkingv1.PolicyTypeIngress)
}

type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

func rules(p *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) []rule {
	var out []rule
	if direction == networkingv1.PolicyTypeIngress {
		for _, r := range p.Spec.Ingress {
			out = append(out, rule{r.From, r.Ports})
		}
		return out
	}
	for _, r := range p.Spec.Egress {
		out = append(out, rule{r.To, r.Ports})
	}
	return out
}

func ports(t *testing.T, to party, list []networkingv1.NetworkPolicyPort, port int32) bool {
	t.Helper()
	return len(list) == 0 || slices.ContainsFunc(list, func(p networkingv1.NetworkPolicyPort) bool {
		if p.EndPort != nil {
			t.Fatal("endPort is not evaluated here")
		}
		if p.Protocol != nil && *p.Protocol != corev1.ProtocolTCP {
			return false
		}
		if p.Port.StrVal != "" { // every named port of the charts is its pod's only one
			return slices.Contains(to.ports, port)
		}
		return p.Port.IntVal == port
	})
}

func peers(t *testing.T, other party, list []networkingv1.NetworkPolicyPeer) bool {
	t.Helper()
	return len(list) == 0 || slices.ContainsFunc(list, func(p networkingv1.NetworkPolicyPeer) bool {
		switch {
		case p.IPBlock != nil:
			t.Fatal("ipBlock is not evaluated here")
		case other.namespace == "":
			return false
		case p.NamespaceSelector == nil && other.namespace != namespace:
			return false
		case p.NamespaceSelector != nil && !matches(t, p.NamespaceSelector, labels.Set{"kubernetes.io/metadata.name": other.namespace}):
			return false
		}
		return p.PodSelector == nil || matches(t, p.PodSelector, other.labels)
	})
}

func matches(t *testing.T, selector *metav1.LabelSelector, set labels.Set) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(set)
}

// matrix renders the platform and a model in a mode each and lists who reaches
// whom, a line for each who.
func matrix(t *testing.T, mode, model string) string {
	t.Helper()
	list := append(objects(t, renderMode(t, platform, mode)), objects(t, renderMode(t, slm, model))...)
	var policies []*networkingv1.NetworkPolicy
	var all []party
	for _, o := range list {
		if p, ok := o.typed.(*networkingv1.NetworkPolicy); ok {
			policies = append(policies, p)
		}
	}
	for _, p := range pods(list) {
		one := party{name: p.owner.GetName(), namespace: namespace, labels: p.meta.Labels}
		if one.labels["app"] == "slm-inference" {
			one.name = "a model"
		}
		for _, port := range p.spec.Containers[0].Ports {
			one.ports = append(one.ports, port.ContainerPort)
		}
		all = append(all, one)
	}
	all = append(all,
		party{name: "another pod here", namespace: namespace, ports: []int32{9}},
		party{name: "a pod elsewhere", namespace: "shop", labels: labels.Set{"app": "shop"}, ports: []int32{9}},
		party{name: "outside", ports: []int32{22, 53, 80, 443, 6380, 6432, 6443, 8080, 8081, 9000}},
	)
	slices.SortFunc(all, func(a, b party) int { return strings.Compare(a.name, b.name) })
	var out strings.Builder
	for _, from := range all {
		fmt.Fprintf(&out, "%s:", from.name)
		for _, to := range all {
			var reached []string
			for _, port := range to.ports {
				if from.name != to.name && admits(t, policies, from, to, port) {
					reached = append(reached, fmt.Sprint(port))
				}
			}
			if len(reached) > 0 {
				fmt.Fprintf(&out, " [%s %s]", to.name, strings.Join(reached, " "))
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}

func TestNetworkPoliciesAdmitTheNeededPathsOnly(t *testing.T) {
	for name, c := range map[string]struct{ mode, model, want string }{
		"as it comes": {"default", "serve", `
a model: [backend 8000] [outside 53 443] [training-service 8002]
a pod elsewhere: [another pod here 9] [backend 8000] [frontend 3000] [outside 22 53 80 443 6380 6432 6443 8080 8081 9000]
another pod here: [a pod elsewhere 9] [outside 22 53 80 443 6380 6432 6443 8080 8081 9000]
backend: [a model 8080] [evaluation-service 8001] [outside 53 443 6443] [postgres 5432] [redis 6379] [training-service 8002]
evaluation-service:
frontend: [backend 8000] [outside 53]
outside: [a pod elsewhere 9] [another pod here 9]
postgres:
redis:
training-service: [backend 8000] [outside 53 443]
understudy-check: [backend 8000] [evaluation-service 8001] [frontend 3000] [outside 53] [training-service 8002]
understudy-cleanup: [outside 53 443 6443] [postgres 5432] [training-service 8002]
understudy-secrets: [outside 53 443 6443] [postgres 5432] [training-service 8002]
`},
		"databases, an LLM and an agent elsewhere; a model that pulls nothing": {"external", "image", `
a model: [backend 8000] [outside 53] [training-service 8002]
a pod elsewhere: [another pod here 9] [backend 8000] [frontend 3000] [outside 22 53 80 443 6380 6432 6443 8080 8081 9000]
another pod here: [a pod elsewhere 9] [outside 22 53 80 443 6380 6432 6443 8080 8081 9000]
backend: [a model 8080] [evaluation-service 8001] [outside 53 443 6380 6432 6443 8080] [training-service 8002]
evaluation-service:
frontend: [backend 8000] [outside 53]
outside: [a pod elsewhere 9] [another pod here 9]
training-service: [backend 8000] [outside 53 443 9000]
understudy-check: [backend 8000] [evaluation-service 8001] [frontend 3000] [outside 53] [training-service 8002]
understudy-cleanup: [outside 53 443 6432 6443] [training-service 8002]
`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), matrix(t, c.mode, c.model)); diff != "" {
				t.Errorf("who reaches whom (-want +got):\n%s", diff)
			}
		})
	}
}

// No policy lets a backend reach another, which the Service may lead to.
func TestTheCommandLineInABackendsPodAsksThatPod(t *testing.T) {
	everyMode(t, func(t *testing.T, _ string, list []object) {
		config, _ := find[*corev1.ConfigMap](list, "understudy-config")
		for _, p := range pods(list) {
			if p.owner.GetName() != "backend" {
				continue
			}
			if want := fmt.Sprintf("http://127.0.0.1:%d", p.spec.Containers[0].Ports[0].ContainerPort); config.Data["UNDERSTUDY_URL"] != want {
				t.Errorf("UNDERSTUDY_URL=%s, want %s", config.Data["UNDERSTUDY_URL"], want)
			}
		}
	})
}

func TestNoPolicyIsMadeWhereNoneIsWanted(t *testing.T) {
	list := objects(t, renderMode(t, platform, "minimal"))
	for _, o := range list {
		if o.kind == "NetworkPolicy" {
			t.Error(o)
		}
	}
	if m, _ := find[*corev1.ConfigMap](list, "understudy-slm-values"); !strings.Contains(m.Data["values.yaml"], "enabled: false") {
		t.Errorf("the models still make theirs: %s", m.Data["values.yaml"])
	}
}
