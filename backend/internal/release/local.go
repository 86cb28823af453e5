package release

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/kube"
	"helm.sh/helm/v3/pkg/storage"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/localnode"
)

// LocalConfig says what releases on this machine are made of.
type LocalConfig struct {
	Socket  string // of the local node
	Records Records
	Settings
}

// Local puts releases on the local node and looks after them there. It is
// understudy.Releases and understudy.Runtime.
type Local struct {
	*releases
	understudy.Runtime
	node *localnode.Client
}

// NewLocal connects to the local node; it returns at once, whether that
// answers already or not. Overlay is local and Image the inference server's
// where they are not given. A pending release is healed at once unless
// HealAfter says otherwise: there is one backend for each local node, so
// whoever left it has ended.
func NewLocal(c LocalConfig) (*Local, error) {
	if c.Overlay == "" {
		c.Overlay = "local"
	}
	if c.Image == "" {
		c.Image = "understudy-slm-inference:local"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Namespace == "" {
		c.Namespace = Namespace
	}
	node := localnode.NewClient(c.Socket, c.Log)
	r, err := newReleases(c.Settings, localStage{node: node, records: c.Records, namespace: c.Namespace, log: c.Log})
	if err != nil {
		node.Close()
		return nil, err
	}
	return &Local{releases: r, Runtime: node, node: node}, nil
}

// Synced is closed when Ready knows of every release that runs.
func (l *Local) Synced() <-chan struct{} { return l.node.Synced() }

// World implements understudy.Observer.
func (l *Local) World(ctx context.Context) (understudy.World, error) { return l.node.World(ctx) }

// Close ends the watch; releases stay as they are.
func (l *Local) Close() error {
	l.node.Close()
	return nil
}

type localStage struct {
	node      *localnode.Client
	records   Records
	namespace string
	log       *slog.Logger
}

func (s localStage) driver(ctx context.Context) records {
	return records{ctx: ctx, to: s.records, namespace: s.namespace, log: s.log}
}

func (s localStage) open(ctx context.Context) (*action.Configuration, error) {
	store := storage.Init(s.driver(ctx))
	store.MaxHistory = maxHistory
	return &action.Configuration{
		Releases: store, Capabilities: localCapabilities(),
		KubeClient: localKube{ctx: ctx, node: s.node, namespace: s.namespace},
		Log:        func(format string, args ...any) { s.log.Debug("helm: " + fmt.Sprintf(format, args...)) },
	}, nil
}

// localCapabilities say which Kubernetes the local node stands in for: the one
// whose types it is built with.
func localCapabilities() *chartutil.Capabilities {
	c := chartutil.DefaultCapabilities.Copy()
	c.KubeVersion = chartutil.KubeVersion{Version: "v1.37.0", Major: "1", Minor: "37"}
	return c
}

func (s localStage) missing(ctx context.Context, objects kube.ResourceList) ([]string, error) {
	refs, err := s.node.Objects(ctx)
	if err != nil {
		return nil, err
	}
	there := map[localnode.Ref]bool{}
	for _, ref := range refs {
		there[ref] = true
	}
	var out []string
	for _, o := range objects {
		if ref := refOf(o); !there[ref] {
			out = append(out, ref.Kind+"/"+ref.Name)
		}
	}
	return out, nil
}

func (s localStage) hasToken(ctx context.Context, secret string) (bool, error) {
	refs, err := s.node.Objects(ctx)
	return slices.Contains(refs, localnode.Ref{Kind: "Secret", Name: secret}), err
}

func (s localStage) putToken(ctx context.Context, name, secret string, labels map[string]string, token string) error {
	b, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
		"metadata":   map[string]any{"name": secret, "namespace": s.namespace, "labels": labels, "annotations": map[string]string{"understudy.dev/release": name}},
		"stringData": map[string]string{"token": token},
	})
	if err != nil {
		return err
	}
	return s.node.Apply(ctx, localnode.Ref{Kind: "Secret", Name: secret}, b)
}

func (s localStage) dropToken(ctx context.Context, secret string) error {
	return gone(s.node.Delete(ctx, localnode.Ref{Kind: "Secret", Name: secret}))
}

// gone takes "is not there" for success.
func gone(err error) error {
	if understudy.CodeOf(err) == understudy.NotFound {
		return nil
	}
	return err
}

func (s localStage) sweep(ctx context.Context, name string) (broken bool, err error) {
	rows, err := s.records.ListReleases(ctx, s.namespace)
	if err != nil {
		return false, fmt.Errorf("read the release records: %w", err)
	}
	for _, row := range rows {
		if row.Name != name {
			continue
		}
		if _, err := decodeRecord(row); err != nil {
			s.log.Error("an unreadable release record is thrown away", "key", row.Key, "error", err)
			broken = true
			if err := gone(s.records.DeleteRelease(ctx, row.Key)); err != nil {
				return broken, err
			}
		}
	}
	return broken, nil
}

// clear relies on the chart's rule that every object has the release's name.
func (s localStage) clear(ctx context.Context, name string) error {
	refs, err := s.node.Objects(ctx)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if ref.Name == name {
			if err := gone(s.node.Delete(ctx, ref)); err != nil {
				return err
			}
		}
	}
	return nil
}
