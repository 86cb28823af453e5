package cluster

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"
)

func slice(name, release string, edit func(*discoveryv1.EndpointSlice)) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns", Labels: map[string]string{
			discoveryv1.LabelServiceName: release, labelRelease: release, "app": "slm-inference"}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: ptr.To(int32(8080))}},
	}
	edit(s)
	return s
}

func endpoint(address string, ready, terminating bool) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: &ready, Terminating: &terminating}}
}

func TestReadyFollowsTheSlices(t *testing.T) {
	one := slice("one", "slm-a-v1", func(s *discoveryv1.EndpointSlice) {
		s.Endpoints = []discoveryv1.Endpoint{endpoint("10.0.0.1", true, false), endpoint("10.0.0.2", false, false), endpoint("10.0.0.3", true, true)}
	})
	client := fake.NewClientset(one)
	r, err := NewRuntime(client, "ns", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	<-r.Synced()
	awaitReady(t, r, "http://10.0.0.1:8080")
	two := slice("two", "slm-a-v1", func(s *discoveryv1.EndpointSlice) {
		s.Endpoints = []discoveryv1.Endpoint{endpoint("10.0.0.1", true, false), endpoint("10.0.0.4", true, false)}
	})
	if _, err := client.DiscoveryV1().EndpointSlices("ns").Create(t.Context(), two, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitReady(t, r, "http://10.0.0.1:8080", "http://10.0.0.4:8080")
	for _, name := range []string{"one", "two"} {
		if err := client.DiscoveryV1().EndpointSlices("ns").Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	awaitReady(t, r)
	if s, err := r.State(t.Context(), "slm-a-v1"); err != nil || s.Exists {
		t.Errorf("%+v, %v", s, err)
	}
}

func awaitReady(t *testing.T, r *Runtime, want ...string) {
	t.Helper()
	for !slices.Equal(r.Ready("slm-a-v1"), want) {
		select {
		case name := <-r.Changed():
			if name != "slm-a-v1" {
				t.Fatalf("heard of %q", name)
			}
		case <-t.Context().Done():
			t.Fatalf("ready are %v, want %v", r.Ready("slm-a-v1"), want)
		}
	}
}

func TestSecretsAreMadeOnce(t *testing.T) {
	client := fake.NewClientset()
	want := map[string]string{"ADMIN": "ua-", "TOKEN": "us-"}
	made, err := EnsureSecret(t.Context(), client, "ns", "keys", want)
	if err != nil || !made {
		t.Fatal(made, err)
	}
	s, err := client.CoreV1().Secrets("ns").Get(t.Context(), "keys", metav1.GetOptions{})
	if err != nil || !strings.HasPrefix(s.StringData["ADMIN"], "ua-") || len(s.StringData["TOKEN"]) != 3+2*secretBytes {
		t.Fatalf("%+v, %v", s, err)
	}
	s.Data = map[string][]byte{"ADMIN": []byte("mine")}
	if _, err := client.CoreV1().Secrets("ns").Update(t.Context(), s, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := EnsureSecret(t.Context(), client, "ns", "keys", want); err == nil || !strings.Contains(err.Error(), "TOKEN") {
		t.Errorf("an incomplete Secret gives %v", err)
	}
	s.Data["TOKEN"] = []byte("mine too")
	if _, err := client.CoreV1().Secrets("ns").Update(t.Context(), s, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if made, err := EnsureSecret(t.Context(), client, "ns", "keys", want); made || err != nil {
		t.Errorf("made again: %v, %v", made, err)
	}
}

func TestTheLeaseIsGivenBackWhenTheWorkHasEnded(t *testing.T) {
	client := fake.NewClientset()
	ctx, stop := context.WithCancel(t.Context())
	lease := func() string {
		l, err := client.CoordinationV1().Leases("ns").Get(context.WithoutCancel(ctx), LeaseName, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		return ptr.Deref(l.Spec.HolderIdentity, "")
	}
	leads, done := make(chan struct{}), make(chan error, 1)
	var during string
	go func() {
		done <- Lease{Client: client, Namespace: "ns", Identity: "one", Log: slog.New(slog.DiscardHandler)}.Run(ctx, func(ctx context.Context) {
			close(leads)
			<-ctx.Done()
			during = lease() // work that ends slowly
		})
	}()
	<-leads
	stop()
	if err := <-done; err != context.Canceled {
		t.Errorf("ended with %v", err)
	}
	if during != "one" || lease() != "" {
		t.Errorf("held by %q while it worked, by %q afterwards", during, lease())
	}
}

func TestAJobWithoutPodsSaysWhy(t *testing.T) {
	client := fake.NewClientset(&corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "e", Namespace: "ns"}, Reason: "FailedCreate",
		InvolvedObject: corev1.ObjectReference{Kind: "Job", Name: "slm-a-v1-e1"}, Message: "exceeded quota: q"})
	r := &Runtime{client: client, namespace: "ns"}
	if why := r.refused(t.Context(), "slm-a-v1-e1"); !strings.Contains(why, "raise the quota") {
		t.Errorf("it says %q", why)
	}
}
