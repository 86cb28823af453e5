package localnode

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	understudy "understudy.dev/backend"
)

// fields are the names that may stand in an object; nil allows anything below.
type fields map[string]fields

func names(s string, more ...fields) fields {
	f := fields{}
	for n := range strings.FieldsSeq(s) {
		f[n] = nil
	}
	for _, m := range more {
		maps.Copy(f, m)
	}
	return f
}

// What the node honours, or may leave out because it means nothing on one
// machine (scheduling, isolation) or only limits (quotas).
var (
	probeFields = names("initialDelaySeconds periodSeconds timeoutSeconds failureThreshold successThreshold",
		fields{"httpGet": names("path port scheme httpHeaders")})
	containerFields = names("name image imagePullPolicy args resources securityContext terminationMessagePath terminationMessagePolicy",
		fields{
			"ports": names("name containerPort protocol"),
			"env": names("name value", fields{"valueFrom": {
				"secretKeyRef": names("name key optional"), "fieldRef": names("fieldPath apiVersion"),
				"resourceFieldRef": names("resource divisor containerName"),
			}}),
			"volumeMounts":  names("name mountPath readOnly"),
			"startupProbe":  probeFields,
			"livenessProbe": probeFields, "readinessProbe": probeFields,
			"lifecycle": {"preStop": {"sleep": names("seconds")}},
		})
	podFields = names(`restartPolicy terminationGracePeriodSeconds serviceAccountName automountServiceAccountToken
		enableServiceLinks securityContext imagePullSecrets dnsPolicy schedulerName priorityClassName
		nodeSelector tolerations affinity topologySpreadConstraints`,
		fields{
			"containers": containerFields,
			"volumes": names("name emptyDir", fields{
				"hostPath": names("path type"), "secret": {"secretName": nil, "items": names("key path"), "defaultMode": nil},
			}),
		})
	templateFields   = fields{"metadata": nil, "spec": podFields}
	topFields        = names("apiVersion kind metadata")
	deploymentFields = names("apiVersion kind metadata", fields{"spec": names("replicas selector strategy revisionHistoryLimit progressDeadlineSeconds", fields{"template": templateFields})})
	jobFields        = names("apiVersion kind metadata", fields{"spec": names("backoffLimit completions parallelism activeDeadlineSeconds completionMode manualSelector selector suspend", fields{"template": templateFields})})
)

// beyond lists the fields of v that allowed does not have, as paths.
func beyond(path string, v any, allowed fields) []string {
	if allowed == nil {
		return nil
	}
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			at := strings.TrimPrefix(path+"."+k, ".")
			if sub, ok := allowed[k]; ok {
				out = append(out, beyond(at, v[k], sub)...)
			} else if v[k] != nil {
				out = append(out, at)
			}
		}
	case []any:
		for i, item := range v {
			out = append(out, beyond(fmt.Sprintf("%s[%d]", path, i), item, allowed)...)
		}
	}
	return out
}

// typed converts an object and refuses what the node cannot honour.
func typed[T any](o *object, allowed fields) (*T, error) {
	if wrong := beyond("", o.body.Object, allowed); len(wrong) > 0 {
		return nil, refuse(o.ref, "the local node cannot honour %s", strings.Join(wrong, ", "))
	}
	t := new(T)
	if err := json.Unmarshal([]byte(o.given), t); err != nil {
		return nil, refuse(o.ref, "%v", err)
	}
	return t, nil
}

func refuse(r Ref, format string, args ...any) error {
	return understudy.Errorf(understudy.Invalid, "%s/%s: %s", r.Kind, r.Name, fmt.Sprintf(format, args...))
}

func (s *Server) deploymentOf(o *object) (*appsv1.Deployment, error) {
	d, err := typed[appsv1.Deployment](o, deploymentFields)
	if err != nil {
		return nil, err
	}
	if p := d.Spec.Template.Spec.RestartPolicy; p != "" && p != corev1.RestartPolicyAlways {
		return nil, refuse(o.ref, "spec.template.spec.restartPolicy is %s; a Deployment's is Always", p)
	}
	return d, s.checkPod(o.ref, d.Spec.Template.Spec)
}

func (s *Server) jobOf(o *object) (*batchv1.Job, error) {
	j, err := typed[batchv1.Job](o, jobFields)
	if err != nil {
		return nil, err
	}
	one := func(n *int32) bool { return n == nil || *n == 1 }
	switch {
	case !one(j.Spec.Completions) || !one(j.Spec.Parallelism):
		return nil, refuse(o.ref, "the local node runs one pod of a Job: spec.completions and spec.parallelism must be 1")
	case j.Spec.Suspend != nil && *j.Spec.Suspend:
		return nil, refuse(o.ref, "the local node cannot honour spec.suspend")
	case j.Spec.Template.Spec.RestartPolicy != corev1.RestartPolicyNever:
		return nil, refuse(o.ref, "spec.template.spec.restartPolicy of a Job must be Never here")
	}
	return j, s.checkPod(o.ref, j.Spec.Template.Spec)
}
