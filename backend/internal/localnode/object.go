package localnode

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	understudy "understudy.dev/backend"
)

// recorded are the kinds that have no effect on one machine: they are kept so
// that whoever applied them finds them again.
var recorded = map[string]bool{
	"Service": true, "ServiceAccount": true, "Secret": true, "HorizontalPodAutoscaler": true,
	"PodDisruptionBudget": true, "NetworkPolicy": true,
}

// object is an applied object as its owner gave it, with the uid and version
// that the node added.
type object struct {
	ref     Ref
	uid     string
	version int64
	given   string // JSON, to tell a change from a repetition
	body    *unstructured.Unstructured
}

// parse reads an object and refuses kinds that the node knows nothing of.
func parse(data []byte) (*object, error) {
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(data); err != nil {
		return nil, understudy.Errorf(understudy.Invalid, "the object cannot be read: %v", err)
	}
	o := &object{ref: Ref{u.GetKind(), u.GetName()}, body: u}
	if o.ref.Name == "" {
		return nil, understudy.Errorf(understudy.Invalid, "a %s has no metadata.name", o.ref.Kind)
	}
	if !recorded[o.ref.Kind] && o.ref.Kind != kindDeployment && o.ref.Kind != kindJob {
		return nil, understudy.Errorf(understudy.Invalid, "%s/%s: the local node knows no %s", u.GetKind(), u.GetName(), u.GetKind())
	}
	unstructured.RemoveNestedField(u.Object, "status")
	given, err := json.Marshal(u.Object)
	if err != nil {
		return nil, fmt.Errorf("write %s/%s: %w", o.ref.Kind, o.ref.Name, err)
	}
	o.given = string(given)
	return o, nil
}

// stamp puts what the node added into the object's metadata.
func (o *object) stamp() {
	o.body.SetUID(uid(o.uid))
	o.body.SetResourceVersion(fmt.Sprint(o.version))
}
