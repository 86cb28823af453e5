package localnode

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// mount says where a path inside the container really is.
type mount struct{ inside, outside string }

// mounts makes a pod's volumes under dir and returns the container's mounts,
// the longest path first. emptyDir is a directory that goes with the pod,
// hostPath is the path itself, a secret's keys become files of mode 0600.
func (s *Server) mounts(spec corev1.PodSpec, dir string) ([]mount, error) {
	where := map[string]string{}
	for _, v := range spec.Volumes {
		path := filepath.Join(dir, "volumes", v.Name)
		var err error
		switch {
		case v.HostPath != nil:
			path, err = v.HostPath.Path, checkHostPath(*v.HostPath)
		case v.Secret != nil:
			err = s.writeSecret(path, *v.Secret)
		default:
			err = os.MkdirAll(path, 0o700)
		}
		if err != nil {
			return nil, fmt.Errorf("volume %s: %w", v.Name, err)
		}
		where[v.Name] = path
	}
	var out []mount
	for _, m := range spec.Containers[0].VolumeMounts {
		out = append(out, mount{strings.TrimRight(m.MountPath, "/"), where[m.Name]})
	}
	slices.SortFunc(out, func(a, b mount) int { return len(b.inside) - len(a.inside) })
	return out, nil
}

func checkHostPath(v corev1.HostPathVolumeSource) error {
	info, err := os.Stat(v.Path)
	if err != nil {
		return err
	}
	if v.Type != nil {
		switch dir := info.IsDir(); *v.Type {
		case corev1.HostPathFile:
			if dir {
				return fmt.Errorf("%s is a directory, not a file", v.Path)
			}
		case corev1.HostPathDirectory:
			if !dir {
				return fmt.Errorf("%s is a file, not a directory", v.Path)
			}
		}
	}
	return nil
}

func (s *Server) writeSecret(dir string, v corev1.SecretVolumeSource) error {
	data, err := s.secret(v.SecretName)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	paths := map[string]string{}
	for key := range data {
		paths[key] = key
	}
	if len(v.Items) > 0 {
		clear(paths)
		for _, item := range v.Items {
			paths[item.Key] = item.Path
		}
	}
	for key, path := range paths {
		value, ok := data[key]
		if !ok {
			return fmt.Errorf("secret %q has no key %q", v.SecretName, key)
		}
		if !filepath.IsLocal(path) || filepath.Base(path) != path {
			return fmt.Errorf("secret %q: the path %q must be a plain file name", v.SecretName, path)
		}
		if err := os.WriteFile(filepath.Join(dir, path), value, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// outside rewrites a value that is, or begins with, a path inside the
// container.
func outside(value string, mounts []mount) string {
	for _, m := range mounts {
		if rest, ok := strings.CutPrefix(value, m.inside); ok && (rest == "" || rest[0] == '/') {
			return m.outside + rest
		}
	}
	return value
}
