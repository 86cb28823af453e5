package release

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/kube"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	understudy "understudy.dev/backend"
)

// HealAfter is how old an unfinished action must be in a cluster before it
// counts as left by a dead process: the longest that one may take, the time in
// which another replica may come to lead, and some to spare.
const HealAfter = Timeout + 15*time.Second + 30*time.Second

// fieldManager signs what is applied beside Helm.
const fieldManager = "understudy"

// NewCluster puts releases into a Kubernetes namespace, where `helm list`
// shows them. It connects with the first call. Overlay is base where it is not
// given.
func NewCluster(config *rest.Config, s Settings) (understudy.Releases, error) {
	if s.Overlay == "" {
		s.Overlay = "base"
	}
	if s.Namespace == "" {
		s.Namespace = Namespace
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.HealAfter == 0 {
		s.HealAfter = HealAfter
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connect to Kubernetes: %w", err)
	}
	helm, err := newAccess(config, s.Namespace)
	if err != nil {
		return nil, err
	}
	return newReleases(s, &clusterStage{access: helm, client: client, namespace: s.Namespace, log: s.Log})
}

type clusterStage struct {
	access    *access
	client    kubernetes.Interface
	namespace string
	log       *slog.Logger

	mu           sync.Mutex
	capabilities *chartutil.Capabilities // asked for once: Helm asks a hundred questions for each action
}

func (s *clusterStage) open(context.Context) (*action.Configuration, error) {
	capabilities, err := s.known()
	if err != nil {
		return nil, understudy.Errorf(understudy.Unavailable, "Kubernetes does not answer: %v", err)
	}
	cfg := new(action.Configuration)
	log := func(format string, args ...any) { s.log.Debug("helm: " + fmt.Sprintf(format, args...)) }
	if err := cfg.Init(s.access, s.namespace, "secret", log); err != nil {
		return nil, fmt.Errorf("open Helm's records: %w", err)
	}
	cfg.Capabilities = capabilities
	cfg.Releases.MaxHistory = maxHistory
	return cfg, nil
}

func (s *clusterStage) known() (*chartutil.Capabilities, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.capabilities != nil {
		return s.capabilities.Copy(), nil
	}
	discovery, err := s.access.ToDiscoveryClient()
	if err != nil {
		return nil, err
	}
	version, err := discovery.ServerVersion()
	if err != nil {
		return nil, err
	}
	apis, err := action.GetVersionSet(discovery)
	if err != nil {
		return nil, err
	}
	s.capabilities = &chartutil.Capabilities{
		APIVersions: apis, HelmVersion: chartutil.DefaultCapabilities.HelmVersion,
		KubeVersion: chartutil.KubeVersion{Version: version.GitVersion, Major: version.Major, Minor: version.Minor},
	}
	return s.capabilities.Copy(), nil
}

func (s *clusterStage) missing(_ context.Context, objects kube.ResourceList) ([]string, error) {
	var out []string
	for _, o := range objects {
		switch err := o.Get(); {
		case apierrors.IsNotFound(err):
			out = append(out, o.Mapping.GroupVersionKind.Kind+"/"+o.Name)
		case err != nil:
			return nil, err
		}
	}
	return out, nil
}

func (s *clusterStage) hasToken(ctx context.Context, secret string) (bool, error) {
	_, err := s.client.CoreV1().Secrets(s.namespace).Get(ctx, secret, metav1.GetOptions{})
	return err == nil, absent(err)
}

func (s *clusterStage) putToken(ctx context.Context, name, secret string, labels map[string]string, token string) error {
	want := applycore.Secret(secret, s.namespace).WithLabels(labels).
		WithAnnotations(map[string]string{"understudy.dev/release": name}).WithStringData(map[string]string{"token": token})
	_, err := s.client.CoreV1().Secrets(s.namespace).Apply(ctx, want, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	return err
}

func (s *clusterStage) dropToken(ctx context.Context, secret string) error {
	return absent(s.client.CoreV1().Secrets(s.namespace).Delete(ctx, secret, metav1.DeleteOptions{}))
}

func absent(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// sweep reads the records as Helm's Secrets driver stores them: Helm itself
// passes over one that it cannot read, or panics.
func (s *clusterStage) sweep(ctx context.Context, name string) (broken bool, err error) {
	secrets := s.client.CoreV1().Secrets(s.namespace)
	list, err := secrets.List(ctx, metav1.ListOptions{LabelSelector: "owner=helm,name=" + name})
	if err != nil {
		return false, fmt.Errorf("read the release records: %w", err)
	}
	for _, item := range list.Items {
		version, _ := strconv.Atoi(item.Labels["version"])
		_, err := decodeRecord(understudy.ReleaseRecord{Key: item.Name, Name: name, Version: version, Body: string(item.Data["release"])})
		if err == nil {
			continue
		}
		s.log.Error("an unreadable release record is thrown away", "key", item.Name, "error", err)
		broken = true
		if err := absent(secrets.Delete(ctx, item.Name, metav1.DeleteOptions{})); err != nil {
			return broken, err
		}
	}
	return broken, nil
}

// clear relies on the chart's rule that every object has the release's name.
func (s *clusterStage) clear(ctx context.Context, name string) error {
	background := metav1.DeletePropagationBackground
	o := metav1.DeleteOptions{PropagationPolicy: &background}
	for _, remove := range []func(context.Context, string, metav1.DeleteOptions) error{
		s.client.AppsV1().Deployments(s.namespace).Delete,
		s.client.BatchV1().Jobs(s.namespace).Delete,
		s.client.AutoscalingV2().HorizontalPodAutoscalers(s.namespace).Delete,
		s.client.PolicyV1().PodDisruptionBudgets(s.namespace).Delete,
		s.client.NetworkingV1().NetworkPolicies(s.namespace).Delete,
		s.client.CoreV1().Services(s.namespace).Delete,
		s.client.CoreV1().ServiceAccounts(s.namespace).Delete,
	} {
		if err := absent(remove(ctx, name, o)); err != nil {
			return err
		}
	}
	return nil
}
