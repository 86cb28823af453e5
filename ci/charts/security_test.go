package charts

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/release"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func TestEveryPodPassesPodSecurityRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}
	refusals := func(p pod) string {
		verdict := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &p.meta, &p.spec))
		if verdict.Allowed {
			return ""
		}
		return verdict.ForbiddenDetail()
	}
	for _, chart := range []string{platform, slm} {
		for _, mode := range modes(t, chart) {
			t.Run(chart+" "+mode, func(t *testing.T) {
				for _, p := range pods(objects(t, renderMode(t, chart, mode))) {
					p.spec.Volumes = slices.DeleteFunc(p.spec.Volumes, func(v corev1.Volume) bool {
						return chart == slm && mode == "batch" && v.HostPath != nil // local mode's, which has no Pod Security
					})
					if why := refusals(p); why != "" {
						t.Errorf("%s: %s", p.owner, why)
					}
					c := p.spec.Containers[0]
					if c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem {
						t.Errorf("%s may write to its image", p.owner)
					}
					if c.Resources.Limits.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
						t.Errorf("%s is not limited: %v", p.owner, c.Resources)
					}
				}
			})
		}
	}
	root := true
	bad := pods(objects(t, renderMode(t, platform, "default")))[0]
	if bad.spec.Containers[0].SecurityContext.Privileged = &root; refusals(bad) == "" {
		t.Error("a privileged container passes: this test sees nothing")
	}
}

// What each account may do, the whole of it.
var allowed = map[string][]string{
	"understudy-backend": {
		"create get list patch update delete: secrets",
		"create get list patch update delete: services",
		"create get list patch update delete: serviceaccounts",
		"create get list patch update delete watch: apps/deployments",
		"create get list patch update delete watch: batch/jobs",
		"create get list patch update delete: autoscaling/horizontalpodautoscalers",
		"create get list patch update delete: policy/poddisruptionbudgets",
		"create get list patch update delete: networking.k8s.io/networkpolicies",
		"update: apps/deployments/scale",
		"list watch: pods",
		"list watch: discovery.k8s.io/endpointslices",
		"list: events",
		"list: persistentvolumeclaims",
		"create: coordination.k8s.io/leases",
		"get update: coordination.k8s.io/leases named understudy-leader",
	},
	// Before install and upgrade
	"understudy-hooks understudy-secrets": {
		"create: secrets",
		"get: secrets named understudy-keys",
		"get: secrets named understudy-postgres",
	},
	// Before uninstall
	"understudy-hooks understudy-cleanup": {
		"delete get list update: secrets",
		"delete: services",
		"delete: serviceaccounts",
		"delete: apps/deployments",
		"delete: batch/jobs",
		"delete: autoscaling/horizontalpodautoscalers",
		"delete: policy/poddisruptionbudgets",
		"delete: networking.k8s.io/networkpolicies",
		"get update: apps/deployments/scale named backend",
		"list watch: pods",
	},
}

func TestEachAccountMayDoThisAndNoMore(t *testing.T) {
	list := objects(t, renderMode(t, platform, "default"))
	got := map[string][]string{}
	for _, o := range list {
		switch x := o.typed.(type) {
		case *rbacv1.ClusterRole, *rbacv1.ClusterRoleBinding:
			t.Errorf("%s reaches beyond the namespace", o)
		case *rbacv1.RoleBinding:
			role, ok := find[*rbacv1.Role](list, x.RoleRef.Name)
			if !ok || x.RoleRef.Kind != "Role" || len(x.Subjects) != 1 || x.Subjects[0].Kind != "ServiceAccount" || x.Subjects[0].Namespace != namespace {
				t.Fatalf("%s: %+v", o, x)
			}
			account := x.Subjects[0].Name
			if o.hook {
				account += " " + role.Name
			}
			got[account] = rights(role)
		}
	}
	want := map[string][]string{}
	for account, list := range allowed {
		for _, right := range list {
			verbs, what, _ := strings.Cut(right, ": ")
			sorted := strings.Fields(verbs)
			slices.Sort(sorted)
			want[account] = append(want[account], strings.Join(sorted, " ")+": "+what)
		}
		slices.Sort(want[account])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rights (-listed +rendered):\n%s", diff)
	}
	for _, p := range pods(list) {
		token := p.spec.AutomountServiceAccountToken == nil || *p.spec.AutomountServiceAccountToken
		if want := p.owner.GetName() == "backend" || p.owner.kind == "Job"; token != want {
			t.Errorf("%s has a token for the Kubernetes API: %v", p.owner, token)
		}
	}
}

func rights(role *rbacv1.Role) []string {
	var out []string
	for _, rule := range role.Rules {
		verbs := slices.Clone(rule.Verbs)
		slices.Sort(verbs)
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				right := strings.Join(verbs, " ") + ": " + strings.TrimPrefix(group+"/"+resource, "/")
				if len(rule.ResourceNames) == 0 {
					out = append(out, right)
				}
				for _, name := range rule.ResourceNames {
					out = append(out, right+" named "+name)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// In Helm's order: what a hook needs is there before it; what an uninstall's
// needs does not go with the release; nothing stays behind.
func TestHooksComeInOrderAndGoAgain(t *testing.T) {
	r := renderMode(t, platform, "default")
	order := map[string][]string{}
	for _, event := range []string{"pre-install", "pre-upgrade", "pre-delete", "test"} {
		hooks := slices.DeleteFunc(slices.Clone(r.Hooks), func(h *release.Hook) bool { return !slices.Contains(h.Events, release.HookEvent(event)) })
		slices.SortStableFunc(hooks, func(a, b *release.Hook) int { return a.Weight - b.Weight })
		for _, h := range hooks {
			order[event] = append(order[event], h.Kind+"/"+h.Name)
			if len(h.DeletePolicies) != 2 || h.DeletePolicies[0] != "before-hook-creation" || h.DeletePolicies[1] != "hook-succeeded" {
				t.Errorf("%s: %v", h.Name, h.DeletePolicies)
			}
		}
	}
	secrets := []string{"ServiceAccount/understudy-hooks", "Role/understudy-secrets", "RoleBinding/understudy-secrets", "Job/understudy-secrets"}
	want := map[string][]string{
		"pre-install": secrets, "pre-upgrade": secrets,
		"pre-delete": {"ServiceAccount/understudy-hooks", "Role/understudy-cleanup", "RoleBinding/understudy-cleanup", "Job/understudy-cleanup"},
		"test":       {"Pod/understudy-check"},
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheHooksAreToldWhatToMake(t *testing.T) {
	for mode, want := range map[string]string{
		"default":  "cluster secrets --keys=understudy-keys --postgres=understudy-postgres",
		"external": "", // everything is the operator's
		"minimal":  "", // switched off
		"mirror":   "cluster secrets --keys=understudy-keys --postgres=understudy-postgres",
	} {
		got := ""
		for _, p := range pods(objects(t, renderMode(t, platform, mode))) {
			if p.owner.GetName() == "understudy-secrets" {
				got = strings.Join(p.spec.Containers[0].Args, " ")
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", mode, got, want)
		}
	}
}
