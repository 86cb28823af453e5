package localnode

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// listenVariable tells a container where to listen; the node puts a free port
// of 127.0.0.1 in its place.
const listenVariable = "LISTEN_ADDR"

// checkPod refuses a pod that would not run as it says.
func (s *Server) checkPod(r Ref, p corev1.PodSpec) error {
	at := "spec.template.spec"
	if len(p.Containers) != 1 {
		return refuse(r, "%s.containers has %d; the local node runs exactly one", at, len(p.Containers))
	}
	volumes := map[string]bool{}
	for i, v := range p.Volumes {
		if v.EmptyDir == nil && v.HostPath == nil && v.Secret == nil {
			return refuse(r, "%s.volumes[%d] (%s): the local node has emptyDir, hostPath and secret volumes", at, i, v.Name)
		}
		volumes[v.Name] = true
	}
	c := p.Containers[0]
	at += ".containers[0]"
	if _, err := s.binary(c.Image); err != nil {
		return refuse(r, "%s.image: %v", at, err)
	}
	for i, m := range c.VolumeMounts {
		if !volumes[m.Name] {
			return refuse(r, "%s.volumeMounts[%d]: there is no volume %q", at, i, m.Name)
		}
	}
	for i, e := range c.Env {
		if strings.Contains(e.Value, "$(") {
			return refuse(r, "%s.env[%d] (%s): the local node does not expand $(...)", at, i, e.Name)
		}
	}
	if len(c.Ports) > 1 {
		return refuse(r, "%s.ports has %d; the local node gives a container one port", at, len(c.Ports))
	}
	if len(c.Ports) == 1 && listenPort(c) != fmt.Sprint(c.Ports[0].ContainerPort) {
		return refuse(r, "%s.ports[0]: the variable %s must name port %d, since the local node puts a free port in its place", at, listenVariable, c.Ports[0].ContainerPort)
	}
	for name, probe := range map[string]*corev1.Probe{"startupProbe": c.StartupProbe, "livenessProbe": c.LivenessProbe, "readinessProbe": c.ReadinessProbe} {
		if probe == nil {
			continue
		}
		if probe.HTTPGet == nil {
			return refuse(r, "%s.%s: the local node probes by httpGet only", at, name)
		}
		if !isPort(c, probe.HTTPGet.Port) {
			return refuse(r, "%s.%s.httpGet.port: %s is none of the container's ports", at, name, probe.HTTPGet.Port.String())
		}
		if probe.HTTPGet.Scheme == corev1.URISchemeHTTPS {
			return refuse(r, "%s.%s.httpGet.scheme: the local node speaks HTTP only", at, name)
		}
	}
	return nil
}

func listenPort(c corev1.Container) string {
	for _, e := range c.Env {
		if e.Name == listenVariable {
			return e.Value[strings.LastIndex(e.Value, ":")+1:]
		}
	}
	return ""
}

func isPort(c corev1.Container, p intstr.IntOrString) bool {
	return len(c.Ports) == 1 && (p == intstr.FromString(c.Ports[0].Name) || p == intstr.FromInt32(c.Ports[0].ContainerPort))
}

// binary finds the executable for an image by the image's last path element.
func (s *Server) binary(image string) (string, error) {
	name, _, _ := strings.Cut(image, "@")
	name = name[strings.LastIndex(name, "/")+1:]
	name, _, _ = strings.Cut(name, ":")
	if path := s.cfg.Binaries[name]; path != "" {
		return path, nil
	}
	return "", fmt.Errorf("the local node has no program for the image %q", image)
}
