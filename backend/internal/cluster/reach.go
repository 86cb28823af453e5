package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// Context reads a person's kubeconfig: of the context that is named, or ("")
// of the current one. namespace is the context's own, "" where it has none.
func Context(name string) (config *rest.Config, namespace string, err error) {
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{CurrentContext: name})
	if config, err = loader.ClientConfig(); err != nil {
		return nil, "", fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.UserAgent = "understudy"
	namespace, set, err := loader.Namespace()
	if err != nil || !set && namespace == "default" {
		namespace = ""
	}
	return config, namespace, nil
}

// Reach opens a way to a platform's backend: a port on 127.0.0.1 that leads to
// a ready pod of it through the API server, until ctx ends. It also reads the
// admin key from its Secret. (The API server's own proxy to services is no
// way: it keeps the Authorization header to itself.)
func Reach(ctx context.Context, config *rest.Config, namespace, secret string) (baseURL, adminKey string, err error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", "", fmt.Errorf("connect to Kubernetes: %w", err)
	}
	keys, err := client.CoreV1().Secrets(namespace).Get(ctx, secret, metav1.GetOptions{})
	if err != nil {
		return "", "", fmt.Errorf("read the admin key from the Secret %s/%s (name another with --namespace or --keys-secret): %w", namespace, secret, err)
	}
	pod, err := readyPod(ctx, client, namespace)
	if err != nil {
		return "", "", err
	}
	dialer, err := dialerTo(config, client, namespace, pod)
	if err != nil {
		return "", "", err
	}
	ready := make(chan struct{})
	said := &bytes.Buffer{}
	forward, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:8000"}, ctx.Done(), ready, io.Discard, said)
	if err != nil {
		return "", "", fmt.Errorf("forward a port to %s: %w", pod, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- forward.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		return "", "", fmt.Errorf("forward a port to %s: %w %s", pod, err, said)
	case <-ctx.Done():
		return "", "", ctx.Err()
	}
	ports, err := forward.GetPorts()
	if err != nil {
		return "", "", fmt.Errorf("forward a port to %s: %w", pod, err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", ports[0].Local), string(keys.Data["UNDERSTUDY_ADMIN_KEY"]), nil
}

func readyPod(ctx context.Context, client kubernetes.Interface, namespace string) (string, error) {
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=backend"})
	if err != nil {
		return "", fmt.Errorf("look for the backend's pods in %s: %w", namespace, err)
	}
	for i := range pods.Items {
		if p := podSeen(&pods.Items[i]); p.Ready && p.Phase == string(corev1.PodRunning) {
			return p.Name, nil
		}
	}
	return "", fmt.Errorf("no pod of the backend is ready in the namespace %s (%d are there); name another with --namespace", namespace, len(pods.Items))
}

// dialerTo prefers WebSockets, which newer servers speak, to SPDY.
func dialerTo(config *rest.Config, client kubernetes.Interface, namespace, pod string) (httpstream.Dialer, error) {
	to := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, fmt.Errorf("connect to Kubernetes: %w", err)
	}
	old := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, to)
	tunnel, err := portforward.NewSPDYOverWebsocketDialer(to, config)
	if err != nil {
		return nil, fmt.Errorf("connect to Kubernetes: %w", err)
	}
	return portforward.NewFallbackDialer(tunnel, old, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}
