package localnode

import (
	"strings"
	"testing"

	understudy "understudy.dev/backend"
)

func TestWhatCannotBeHonouredIsRefusedByName(t *testing.T) {
	_, c := start(t)
	with := func(change func(box, pod, object m)) m {
		box, pod := container(nil), m{}
		object := deploymentObject("slm", box, pod)
		change(box, object["spec"].(m)["template"].(m)["spec"].(m), object)
		return object
	}
	cases := map[string]struct {
		object m
		want   string
	}{
		"an init container":  {with(func(_, pod, _ m) { pod["initContainers"] = []any{container(nil)} }), "spec.template.spec.initContainers"},
		"a second container": {with(func(box, pod, _ m) { pod["containers"] = []any{box, box} }), "containers has 2"},
		"a command":          {with(func(box, _, _ m) { box["command"] = []any{"sh"} }), "spec.template.spec.containers[0].command"},
		"an exec probe": {with(func(box, _, _ m) { box["livenessProbe"] = m{"exec": m{"command": []any{"true"}}} }),
			"spec.template.spec.containers[0].livenessProbe.exec"},
		"a claim": {with(func(_, pod, _ m) {
			pod["volumes"] = []any{m{"name": "base", "persistentVolumeClaim": m{"claimName": "x"}}}
		}), "spec.template.spec.volumes[0].persistentVolumeClaim"},
		"a subPath":          {with(func(box, _, _ m) { box["volumeMounts"] = []any{m{"name": "a", "mountPath": "/a", "subPath": "b"}} }), "volumeMounts[0].subPath"},
		"a missing volume":   {with(func(box, _, _ m) { box["volumeMounts"] = []any{m{"name": "a", "mountPath": "/a"}} }), `there is no volume "a"`},
		"an unknown image":   {with(func(box, _, _ m) { box["image"] = "nginx:1" }), `no program for the image "nginx:1"`},
		"a config map":       {with(func(box, _, _ m) { box["envFrom"] = []any{m{"configMapRef": m{"name": "x"}}} }), "containers[0].envFrom"},
		"an expansion":       {with(func(box, _, _ m) { box["env"] = append(box["env"].([]any), m{"name": "A", "value": "$(B)"}) }), "does not expand"},
		"a port without var": {with(func(box, _, _ m) { box["env"] = []any{} }), "LISTEN_ADDR must name port 8080"},
		"an unknown field":   {with(func(_, _, object m) { object["spec"].(m)["paused"] = true }), "spec.paused"},
		"a wrong type":       {with(func(_, _, object m) { object["spec"].(m)["replicas"] = "one" }), "replicas"},
		"an unknown kind":    {m{"apiVersion": "v1", "kind": "StatefulSet", "metadata": m{"name": "x"}}, "knows no StatefulSet"},
		"an endless Job":     {jobObject("j", nil, m{"completions": 2}), "spec.completions"},
		"no name":            {m{"apiVersion": "v1", "kind": "Secret", "metadata": m{"name": ""}}, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := apply(c, tc.object)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if tc.want != "" && understudy.CodeOf(err) != understudy.Invalid {
				t.Errorf("its code is %s", understudy.CodeOf(err))
			}
		})
	}
	if refs, err := c.Objects(t.Context()); err != nil || len(refs) != 0 {
		t.Errorf("something refused was kept: %v, %v", refs, err)
	}
}

func TestKindsWithoutEffectAreRecorded(t *testing.T) {
	_, c := start(t)
	for kind := range recorded {
		object := m{"apiVersion": "v1", "kind": kind, "metadata": m{"name": "slm"}, "spec": m{"anything": true}}
		mustApply(t, c, object)
		b, err := c.Get(t.Context(), Ref{kind, "slm"})
		if err != nil || !strings.Contains(string(b), `"uid"`) || !strings.Contains(string(b), `"anything":true`) {
			t.Errorf("%s: %s, %v", kind, b, err)
		}
	}
	refs, err := c.Objects(t.Context())
	if err != nil || len(refs) != len(recorded) {
		t.Errorf("%v, %v", refs, err)
	}
}
