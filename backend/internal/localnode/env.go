package localnode

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

func uid(s string) types.UID { return types.UID(s) }

// secret returns an applied Secret's data.
func (s *Server) secret(name string) (map[string][]byte, error) {
	s.mu.Lock()
	o := s.objects[Ref{"Secret", name}]
	s.mu.Unlock()
	if o == nil {
		return nil, fmt.Errorf("secret %q is not there", name)
	}
	out := map[string][]byte{}
	encoded, _, _ := unstructured.NestedStringMap(o.body.Object, "data")
	for key, v := range encoded {
		b, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			return nil, fmt.Errorf("secret %q: key %q is not base64: %w", name, key, err)
		}
		out[key] = b
	}
	plain, _, _ := unstructured.NestedStringMap(o.body.Object, "stringData")
	for key, v := range plain {
		out[key] = []byte(v)
	}
	return out, nil
}

// environment resolves a container's variables. Paths inside the container
// become real ones; LISTEN_ADDR becomes addr where that is not empty.
func (s *Server) environment(p *pod, mounts []mount, addr string) ([]string, error) {
	c := p.template.Spec.Containers[0]
	out := append([]string{}, s.cfg.Env...)
	for _, e := range c.Env {
		value, present := e.Value, true
		if e.ValueFrom != nil {
			var err error
			if value, present, err = s.valueFrom(p, c, *e.ValueFrom); err != nil {
				return nil, fmt.Errorf("variable %s: %w", e.Name, err)
			}
		}
		if e.Name == listenVariable && addr != "" {
			value = addr
		}
		if present {
			out = append(out, e.Name+"="+outside(value, mounts))
		}
	}
	return out, nil
}

func (s *Server) valueFrom(p *pod, c corev1.Container, from corev1.EnvVarSource) (value string, present bool, err error) {
	switch {
	case from.SecretKeyRef != nil:
		optional := from.SecretKeyRef.Optional != nil && *from.SecretKeyRef.Optional
		data, err := s.secret(from.SecretKeyRef.Name)
		v, ok := data[from.SecretKeyRef.Key]
		switch {
		case ok:
			return string(v), true, nil
		case optional:
			return "", false, nil
		case err == nil:
			err = fmt.Errorf("secret %q has no key %q", from.SecretKeyRef.Name, from.SecretKeyRef.Key)
		}
		return "", false, err
	case from.FieldRef != nil:
		v, err := p.field(from.FieldRef.FieldPath)
		return v, true, err
	case from.ResourceFieldRef != nil:
		v, err := resourceField(c, *from.ResourceFieldRef)
		return v, true, err
	}
	return "", false, fmt.Errorf("valueFrom names no source that the local node has")
}

// field is the downward API's value of a path.
func (p *pod) field(path string) (string, error) {
	if kind, key, ok := strings.Cut(strings.TrimSuffix(path, "']"), "['"); ok {
		m := map[string]map[string]string{"metadata.labels": p.template.Labels, "metadata.annotations": p.template.Annotations}[kind]
		return m[key], nil
	}
	v, ok := map[string]string{
		"metadata.name": p.name, "metadata.namespace": p.namespace, "metadata.uid": p.uid,
		"status.podIP": "127.0.0.1", "status.hostIP": "127.0.0.1", "spec.nodeName": "local",
		"spec.serviceAccountName": p.template.Spec.ServiceAccountName,
	}[path]
	if !ok {
		return "", fmt.Errorf("the local node has no field %s", path)
	}
	return v, nil
}

// resourceField divides and rounds up as the kubelet does. limits.cpu is at
// most what the machine has: the limit that is really in force.
func resourceField(c corev1.Container, ref corev1.ResourceFieldSelector) (string, error) {
	if ref.Resource != "limits.cpu" {
		return "", fmt.Errorf("the local node resolves limits.cpu only, not %s", ref.Resource)
	}
	limit := *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI)
	if q, ok := c.Resources.Limits[corev1.ResourceCPU]; ok && q.Cmp(limit) < 0 {
		limit = q
	}
	divisor := ref.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	return strconv.FormatInt((limit.MilliValue()+divisor.MilliValue()-1)/divisor.MilliValue(), 10), nil
}
