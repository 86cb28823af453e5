package cluster

import (
	"errors"
	"log/slog"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	understudy "understudy.dev/backend"
)

// TestScalingIsStaleOnlyWhenWhatIsWantedHasMoved answers the first update of
// the scale with the conflict that a change of the status alone brings too.
func TestScalingIsStaleOnlyWhenWhatIsWantedHasMoved(t *testing.T) {
	cases := map[string]struct {
		read       string
		meanwhile  int64 // the generation when the first update arrives
		conflicts  int
		want       error
		wantWrites int
	}{
		"nothing moved":            {"3", 3, 0, nil, 1},
		"the status moved":         {"3", 3, 1, nil, 2},
		"the spec moved meanwhile": {"3", 4, 1, understudy.ErrStale, 1},
		"the spec had moved":       {"2", 3, 0, understudy.ErrStale, 0},
		"it never holds still":     {"3", 3, 1000, understudy.ErrStale, 4},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "slm-a-v1", Namespace: "ns", Generation: 3}}
			client := fake.NewClientset(d)
			writes := 0
			client.PrependReactor("update", "deployments", func(a clienttesting.Action) (bool, runtime.Object, error) {
				if a.GetSubresource() != "scale" {
					return false, nil, nil
				}
				writes++
				if writes > c.conflicts {
					update, ok := a.(clienttesting.UpdateAction)
					if !ok {
						t.Fatalf("%T", a)
					}
					return true, update.GetObject(), nil
				}
				moved := d.DeepCopy()
				moved.Generation = c.meanwhile
				if err := client.Tracker().Update(appsv1.SchemeGroupVersion.WithResource("deployments"), moved, "ns"); err != nil {
					t.Error(err)
				}
				return true, nil, apierrors.NewConflict(schema.GroupResource{Group: "apps", Resource: "deployments"}, d.Name, errors.New("moved"))
			})
			r, err := NewRuntime(client, "ns", slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if err := r.Scale(t.Context(), d.Name, 1, c.read); !errors.Is(err, c.want) || writes != c.wantWrites {
				t.Errorf("%d writes, %v", writes, err)
			}
		})
	}
}
