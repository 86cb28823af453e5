// Package cluster looks at the models that run in Kubernetes, scales them, and
// elects the replica that leads. It is client-go and the domain, and knows no
// Helm.
package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	understudy "understudy.dev/backend"
)

const (
	// selector finds everything of every model's release.
	selector = "app=slm-inference"
	// labelRelease names the release on every object of it, pods included.
	labelRelease = "app.kubernetes.io/instance"

	qps, burst = 50, 100
)

// Connect reads the pod's own access, or where there is none (a laptop) the
// kubeconfig that KUBECONFIG names.
func Connect() (*rest.Config, kubernetes.Interface, error) {
	c, err := rest.InClusterConfig()
	if err != nil {
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		if c, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig(); err != nil {
			return nil, nil, fmt.Errorf("there is no access to Kubernetes, neither a service account nor a kubeconfig: %w", err)
		}
	}
	c.QPS, c.Burst, c.UserAgent = qps, burst, "understudy"
	client, err := kubernetes.NewForConfig(c)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to Kubernetes: %w", err)
	}
	return c, client, nil
}

// Runtime implements understudy.Runtime over watches: State and Ready read what
// they have brought, only Scale asks the server.
type Runtime struct {
	client    kubernetes.Interface
	namespace string
	log       *slog.Logger
	factory   informers.SharedInformerFactory

	deployments, jobs, pods, slices cache.SharedIndexInformer

	ready   atomic.Pointer[map[string][]string] // base URLs by release
	rebuild sync.Mutex
	changed chan string
	synced  chan struct{}
	cancel  context.CancelFunc
}

var _ understudy.Runtime = (*Runtime)(nil)

// NewRuntime starts the watches and returns at once, whether the server
// answers or not. The caller must Close it.
func NewRuntime(client kubernetes.Interface, namespace string, log *slog.Logger) (*Runtime, error) {
	r := &Runtime{
		client: client, namespace: namespace, log: log, changed: make(chan string, 1024), synced: make(chan struct{}),
		factory: informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace),
			informers.WithTransform(withoutManagedFields),
			informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = selector })),
	}
	r.ready.Store(&map[string][]string{})
	r.deployments = r.factory.Apps().V1().Deployments().Informer()
	r.jobs = r.factory.Batch().V1().Jobs().Informer()
	r.pods = r.factory.Core().V1().Pods().Informer()
	r.slices = r.factory.Discovery().V1().EndpointSlices().Informer()
	if err := r.pods.AddIndexers(cache.Indexers{labelRelease: byRelease}); err != nil {
		return nil, fmt.Errorf("index pods: %w", err)
	}
	for _, inf := range []cache.SharedIndexInformer{r.deployments, r.jobs, r.pods, r.slices} {
		if err := inf.SetWatchErrorHandlerWithContext(r.watchFailed); err != nil {
			return nil, fmt.Errorf("watch: %w", err)
		}
		if _, err := inf.AddEventHandler(r.handler()); err != nil {
			return nil, fmt.Errorf("watch: %w", err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.factory.StartWithContext(ctx)
	go func() {
		if cache.WaitForCacheSync(ctx.Done(), r.deployments.HasSynced, r.jobs.HasSynced, r.pods.HasSynced, r.slices.HasSynced) {
			close(r.synced)
		}
	}()
	return r, nil
}

// withoutManagedFields keeps half of every object out of memory.
func withoutManagedFields(object any) (any, error) {
	if o, ok := object.(metav1.Object); ok {
		o.SetManagedFields(nil)
	}
	return object, nil
}

// Synced is closed when State and Ready know of everything that runs.
func (r *Runtime) Synced() <-chan struct{} { return r.synced }

// Close ends the watches.
func (r *Runtime) Close() error {
	r.cancel()
	r.factory.Shutdown()
	return nil
}

// Changed implements understudy.Runtime.
func (r *Runtime) Changed() <-chan string { return r.changed }

func byRelease(object any) ([]string, error) {
	if o, ok := object.(metav1.Object); ok {
		return []string{releaseOf(o)}, nil
	}
	return nil, nil
}

func releaseOf(o metav1.Object) string { return o.GetLabels()[labelRelease] }

// handler tells of every change; what nobody hears in time is found by polling.
func (r *Runtime) handler() cache.ResourceEventHandler {
	tell := func(object any) {
		if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = gone.Obj
		}
		o, ok := object.(metav1.Object)
		if !ok {
			return
		}
		if _, slice := object.(*discoveryv1.EndpointSlice); slice {
			r.resolve()
		}
		select {
		case r.changed <- releaseOf(o):
		default:
		}
	}
	return cache.ResourceEventHandlerFuncs{AddFunc: tell, UpdateFunc: func(_, o any) { tell(o) }, DeleteFunc: tell}
}

// watchFailed is told again and again while the server is away: once a state
// is enough for the log.
func (r *Runtime) watchFailed(_ context.Context, _ *cache.Reflector, err error) {
	r.log.Debug("a watch of Kubernetes ended and begins anew", "error", err)
}

func get[T any](inf cache.SharedIndexInformer, namespace, name string) (T, bool) {
	object, exists, err := inf.GetStore().GetByKey(namespace + "/" + name)
	out, ok := object.(T)
	return out, err == nil && exists && ok
}

// State implements understudy.Runtime.
func (r *Runtime) State(ctx context.Context, release string) (understudy.WorkloadState, error) {
	select {
	case <-r.synced:
	default:
		return understudy.WorkloadState{}, understudy.Errorf(understudy.Unavailable, "Kubernetes has not told yet what runs")
	}
	if d, ok := get[*appsv1.Deployment](r.deployments, r.namespace, release); ok {
		return deploymentState(d, r.podsOf(release)), nil
	}
	if j, ok := get[*batchv1.Job](r.jobs, r.namespace, release); ok {
		s := jobState(j, r.podsOf(release))
		if s.Reason == "" && !s.Succeeded && j.Status.Active == 0 && time.Since(j.CreationTimestamp.Time) > refusedAfter {
			s.Reason = r.refused(ctx, release)
		}
		return s, nil
	}
	return understudy.WorkloadState{}, nil
}

// refusedAfter is how long a Job may be without a pod before its events are
// looked at for the reason.
const refusedAfter = 3 * time.Second

// refused finds out why a Job has no pods: unlike a Deployment it says so in
// events only.
func (r *Runtime) refused(ctx context.Context, job string) string {
	events, err := r.client.CoreV1().Events(r.namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "involvedObject.kind=Job,reason=FailedCreate,involvedObject.name=" + job})
	if err != nil || len(events.Items) == 0 {
		return ""
	}
	return refusal(events.Items[len(events.Items)-1].Message)
}

func (r *Runtime) podsOf(release string) []*corev1.Pod {
	objects, err := r.pods.GetIndexer().ByIndex(labelRelease, release)
	if err != nil {
		return nil
	}
	var out []*corev1.Pod
	for _, o := range objects {
		if p, ok := o.(*corev1.Pod); ok {
			out = append(out, p)
		}
	}
	return out
}
