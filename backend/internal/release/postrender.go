package release

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	understudy "understudy.dev/backend"
	"understudy.dev/kustomize"
)

// kustomizing is held over every build: kyaml's schema is global to the
// process and not safe for concurrent use.
var kustomizing sync.Mutex

// postRenderer sends what Helm rendered through one kustomization of
// kustomize/slm.
type postRenderer struct {
	tree fs.FS
	path string // of the kustomization in it
	own  []byte // the operator's kustomization over it; nil without patches
}

func newPostRenderer(overlay string, patches []types.Patch) (*postRenderer, error) {
	path := root + "/base"
	if overlay != "base" {
		path = root + "/overlays/" + overlay
	}
	if _, err := fs.Stat(kustomize.SLM, path+"/kustomization.yaml"); err != nil || strings.Contains(overlay, "/") {
		return nil, understudy.Errorf(understudy.Invalid, "overlay %q: there are base and local", overlay)
	}
	own, err := operators(path, patches)
	if err != nil {
		return nil, err
	}
	return &postRenderer{tree: kustomize.SLM, path: path, own: own}, nil
}

// Run implements Helm's postrender.PostRenderer.
func (p *postRenderer) Run(rendered *bytes.Buffer) (*bytes.Buffer, error) {
	before, err := identities(rendered.Bytes())
	if err != nil {
		return nil, fmt.Errorf("read what the chart rendered: %w", err)
	}
	disk := filesys.MakeFsInMemory()
	err = fs.WalkDir(p.tree, root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(p.tree, path)
		if err != nil {
			return err
		}
		return disk.WriteFile(path, data)
	})
	if err == nil {
		err = disk.WriteFile(root+"/base/helm.yaml", rendered.Bytes())
	}
	path := p.path
	if err == nil && p.own != nil {
		path = operatorRoot
		err = disk.WriteFile(operatorRoot+"/kustomization.yaml", p.own)
	}
	if err != nil {
		return nil, fmt.Errorf("lay out the kustomization: %w", err)
	}
	kustomizing.Lock()
	defer kustomizing.Unlock()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, path)
	if err != nil {
		return nil, fmt.Errorf("kustomize %s: %w", path, err)
	}
	out, err := built.AsYaml()
	if err != nil {
		return nil, fmt.Errorf("kustomize %s: %w", path, err)
	}
	after, err := identities(out)
	if err != nil {
		return nil, fmt.Errorf("read what kustomize made: %w", err)
	}
	// An overlay changes objects; one that adds, drops or renames some would
	// make Helm delete what runs.
	if !slices.Equal(before, after) {
		return nil, fmt.Errorf("kustomize %s: the objects are not the chart's any more: %v became %v", path, before, after)
	}
	return bytes.NewBuffer(out), nil
}

// identities lists kind/name of every object, sorted.
func identities(manifest []byte) ([]string, error) {
	list, err := decode(bytes.NewReader(manifest))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, u := range list {
		out = append(out, u.GetAPIVersion()+" "+u.GetKind()+"/"+u.GetName())
	}
	slices.Sort(out)
	return out, nil
}

// decode reads a stream of YAML documents; empty ones are left out.
func decode(r io.Reader) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	dec := yaml.NewYAMLOrJSONDecoder(r, 4096)
	for {
		u := &unstructured.Unstructured{}
		switch err := dec.Decode(u); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		}
		if len(u.Object) > 0 {
			out = append(out, u)
		}
	}
}
