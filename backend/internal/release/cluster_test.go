package release_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/cluster"
	"understudy.dev/backend/internal/release"
	"understudy.dev/backend/internal/release/releasetest"
)

// TestTheClusterConforms holds the cluster that KUBECONFIG names to the same
// promises as the local node. FAKEPOD_IMAGE is the fake pod, which that must
// be able to run; `make e2e` brings both.
func TestTheClusterConforms(t *testing.T) {
	image := os.Getenv("FAKEPOD_IMAGE")
	if image == "" {
		t.Skip("FAKEPOD_IMAGE is not set: make e2e runs this")
	}
	config, client, err := cluster.Connect()
	if err != nil {
		t.Fatal(err)
	}
	base := understudy.Base{Name: "tiny", ContextLength: 512, Serve: understudy.BaseFile{
		File: "tiny.gguf", URL: "http://127.0.0.1/tiny.gguf", SHA256: releasetest.Sum("weights")}}
	stages := 0
	releasetest.Run(t, base, func(t *testing.T) releasetest.Stage {
		stages++
		namespace := makeNamespace(t, client, fmt.Sprintf("understudy-conformance-%d", stages))
		log := slog.New(slog.DiscardHandler)
		if testing.Verbose() {
			log = slog.New(slog.NewTextHandler(os.Stderr, nil))
		}
		releases, err := release.NewCluster(config, release.Settings{Namespace: namespace, Image: image, Log: log,
			BackendURL: "http://backend-service:8000", TrainerURL: "http://training-service:8002",
			Values: map[string]any{"preStopSleepSeconds": 0, "job": map[string]any{"backoffLimit": 1}, "resources": map[string]any{
				"requests": map[string]any{"cpu": "10m", "memory": "16Mi"}, "limits": map[string]any{"cpu": "1", "memory": "128Mi"}}}})
		if err != nil {
			t.Fatal(err)
		}
		runtime, err := cluster.NewRuntime(client, namespace, log)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { runtime.Close() })
		<-runtime.Synced()
		return releasetest.Stage{Releases: releases, Runtime: runtime, Delete: func(t *testing.T, kind, name string) {
			deletes := map[string]func(context.Context, string, metav1.DeleteOptions) error{
				"Deployment":              client.AppsV1().Deployments(namespace).Delete,
				"Service":                 client.CoreV1().Services(namespace).Delete,
				"Secret":                  client.CoreV1().Secrets(namespace).Delete,
				"HorizontalPodAutoscaler": client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Delete,
			}
			if err := deletes[kind](t.Context(), name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}}
	})
}

// makeNamespace makes one as strict as the platform's own; it goes with the test.
func makeNamespace(t *testing.T, client kubernetes.Interface, name string) string {
	t.Helper()
	_, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // in the background: the tests that follow have namespaces of their own
		if err := client.CoreV1().Namespaces().Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("the namespace %s stays: %v", name, err)
		}
	})
	return name
}
