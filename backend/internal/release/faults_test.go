package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helm "helm.sh/helm/v3/pkg/release"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/release/releasetest"
)

func (l *local) apply(t *testing.T, r understudy.Release) understudy.Applied {
	t.Helper()
	return releasetest.Apply(t, l.stage(), r)
}

func (l *local) serving(t *testing.T, name string) {
	t.Helper()
	releasetest.Await(t, l, name, "served", releasetest.Serving)
}

func (l *local) configuration(t *testing.T) *action.Configuration {
	t.Helper()
	cfg, err := l.Local.stage.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// stored returns a revision's record as Helm has it.
func (l *local) stored(t *testing.T, name string, revision int) *helm.Release {
	t.Helper()
	rel, err := l.configuration(t).Releases.Get(name, revision)
	if err != nil {
		t.Fatal(err)
	}
	return rel
}

func key(name string, revision int) string {
	return fmt.Sprintf("sh.helm.release.v1.%s.v%d", name, revision)
}

// leave makes a release look as a process leaves it that dies in an action.
func (l *local) leave(t *testing.T, name string, revision int, status helm.Status, age time.Duration) {
	t.Helper()
	rel := l.stored(t, name, revision)
	rel.SetStatus(status, "underway")
	rel.Info.LastDeployed.Time = time.Now().Add(-age)
	if err := l.configuration(t).Releases.Update(rel); err != nil {
		t.Fatal(err)
	}
}

func TestAnUnfinishedReleaseIsHealed(t *testing.T) {
	for _, status := range []helm.Status{helm.StatusPendingInstall, helm.StatusPendingUpgrade, helm.StatusPendingRollback, helm.StatusUninstalling, helm.StatusFailed} {
		t.Run(status.String(), func(t *testing.T) {
			l := openLocal(t)
			r := l.release("triage", understudy.ModeServe)
			l.apply(t, r)
			l.leave(t, r.Name, 1, status, 0)
			l.connect(t) // a new backend
			if a := l.apply(t, r); a.Status != "deployed" {
				t.Errorf("healed as %+v", a)
			}
			l.serving(t, r.Name)
			if err := l.Remove(t.Context(), r.Name); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatAnotherProcessMayBeDoingIsLeftAlone(t *testing.T) {
	l := openLocal(t, func(l *local) { l.config.HealAfter = time.Hour })
	r := l.release("triage", understudy.ModeServe)
	l.apply(t, r)
	l.leave(t, r.Name, 1, helm.StatusPendingUpgrade, time.Minute)
	if _, err := l.Apply(t.Context(), r); understudy.CodeOf(err) != understudy.Unavailable || !strings.Contains(err.Error(), "pending-upgrade") {
		t.Errorf("a minute old: %v", err)
	}
	l.leave(t, r.Name, 1, helm.StatusPendingUpgrade, 2*time.Hour)
	l.apply(t, r)
}

func TestARecordThatCannotBeReadIsReplaced(t *testing.T) {
	whole, err := records{}.encode("k", &helm.Release{Name: "slm-triage-v1", Version: 1, Info: &helm.Info{}})
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{"cut": "H4sIAAAA", "no base64": "{}", "empty": "", "without what Helm needs": whole.Body} {
		t.Run(name, func(t *testing.T) {
			l := openLocal(t)
			r := l.release("triage", understudy.ModeServe)
			l.apply(t, r)
			l.serving(t, r.Name)
			address := l.Ready(r.Name)[0]
			l.records.edit(key(r.Name, 1), func(row *understudy.ReleaseRecord) { row.Body = body })

			list, err := l.List(t.Context())
			if err != nil || len(list) != 1 || list[0].Status != "unknown" || list[0].Labels[LabelModelID] != r.ModelID {
				t.Errorf("listed %+v, %v", list, err)
			}
			// The objects are adopted: what serves goes on serving.
			if a := l.apply(t, r); a.Status != "deployed" {
				t.Errorf("applied %+v", a)
			}
			if now := l.Ready(r.Name); len(now) != 1 || now[0] != address {
				t.Errorf("%s became %v", address, now)
			}
		})
	}
}

func TestAReleaseIsRemovedWithItsObjectsWhateverBecameOfItsRecord(t *testing.T) {
	for name, spoil := range map[string]func(l *local, key string){
		"it cannot be read": func(l *local, key string) {
			l.records.edit(key, func(row *understudy.ReleaseRecord) { row.Body = "?" })
		},
		"it is gone": func(l *local, key string) {
			if err := l.records.DeleteRelease(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLocal(t)
			r, other := l.release("triage", understudy.ModeServe), l.release("other", understudy.ModeServe)
			l.apply(t, r)
			l.apply(t, other)
			spoil(l, key(r.Name, 1))
			if err := l.Remove(t.Context(), r.Name); err != nil {
				t.Fatal(err)
			}
			refs, err := l.Local.node.Objects(t.Context())
			for _, ref := range refs {
				if strings.HasPrefix(ref.Name, r.Name) {
					t.Errorf("%v is left", ref)
				}
			}
			if err != nil || len(l.records.rows) != 1 {
				t.Errorf("%v, %v", l.records.rows, err)
			}
			l.serving(t, other.Name)
		})
	}
}

func TestAfterAFullStopEverythingComesBack(t *testing.T) {
	l := openLocal(t)
	r := l.release("triage", understudy.ModeServe)
	first := l.apply(t, r)
	l.serving(t, r.Name)
	l.startNode(t) // the supervisor was ended and started: no objects, old records
	l.connect(t)
	if s, err := l.State(t.Context(), r.Name); err != nil || s.Exists {
		t.Fatalf("%+v, %v", s, err)
	}
	if a := l.apply(t, r); a.Digest != first.Digest || a.Revision != 2 {
		t.Errorf("%+v", a)
	}
	l.serving(t, r.Name)
}

func TestABackendThatRestartsFindsWhatRuns(t *testing.T) {
	l := openLocal(t)
	r := l.release("triage", understudy.ModeServe)
	first := l.apply(t, r)
	l.serving(t, r.Name)
	address := l.Ready(r.Name)[0]
	l.connect(t)
	<-l.Synced()
	if now := l.Ready(r.Name); len(now) != 1 || now[0] != address {
		t.Errorf("%s became %v", address, now)
	}
	if a := l.apply(t, r); a.Revision != first.Revision {
		t.Errorf("applied again: %+v", a)
	}
}

func TestWithoutTheLocalNodeApplyIsUnavailable(t *testing.T) {
	l := openLocal(t)
	r := l.release("triage", understudy.ModeServe)
	l.server.Close()
	if _, err := l.Apply(t.Context(), r); understudy.CodeOf(err) != understudy.Unavailable {
		t.Errorf("got %v", err)
	}
	l.startNode(t)
	l.apply(t, r)
	l.serving(t, r.Name)
}

// What no repetition mends is told as such, or a deployment that can never stand
// is tried until its deadline.
func TestWhatTheLocalNodeCannotRunIsInvalid(t *testing.T) {
	l := openLocal(t, func(l *local) {
		l.config.Patches = []types.Patch{{Target: &types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Kind: "Deployment"}}},
			Patch: `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"elsewhere/unheard-of:1"}]`}}
	})
	_, err := l.Apply(t.Context(), l.release("triage", understudy.ModeServe))
	if understudy.CodeOf(err) != understudy.Invalid || !strings.Contains(err.Error(), "unheard-of") {
		t.Errorf("got %q: %v", understudy.CodeOf(err), err)
	}
}

func TestTheTokenIsInNoValueAndNoRecord(t *testing.T) {
	l := openLocal(t)
	r := l.release("triage", understudy.ModeServe)
	r.Token = "eyJhbGciOiJIUzI1NiJ9.secret.token"
	l.apply(t, r)
	rel := l.stored(t, r.Name, 1)
	config, err := json.Marshal(rel.Config)
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"the values": string(config), "the manifest": rel.Manifest, "the notes": rel.Info.Notes, "the description": rel.Info.Description} {
		if strings.Contains(text, r.Token) || strings.Contains(text, "ZXlKaGJHY2lPaUpJVXpJMU5pSjk") {
			t.Errorf("the token is in %s", where)
		}
	}
	l.serving(t, r.Name)
	res, err := http.Get(l.Ready(r.Name)[0] + "/env")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var env map[string]string
	if err := json.NewDecoder(res.Body).Decode(&env); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, env["TOKEN_FILE"]); got != r.Token {
		t.Errorf("the pod's token is %q", got)
	}
	if got := readFile(t, env["BASE_FILE"]); got != "weights" {
		t.Errorf("the pod's base is %q", got)
	}
}

func TestAValueThatTheChartDoesNotKnowIsRefused(t *testing.T) {
	l := openLocal(t)
	r := l.release("triage", understudy.ModeServe)
	values, _, err := l.plan(r)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		change func(v map[string]any)
		want   string
	}{
		"a typo":          {func(v map[string]any) { v["adaptor"] = map[string]any{"sha256": ""} }, "adaptor"},
		"a typo below":    {func(v map[string]any) { v["base"].(map[string]any)["sha265"] = "x" }, "sha265"},
		"a wrong mode":    {func(v map[string]any) { v["mode"] = "serv" }, "/mode"},
		"a wrong digest":  {func(v map[string]any) { v["adapter"] = map[string]any{"sha256": "abc"} }, "/adapter/sha256"},
		"no file to host": {func(v map[string]any) { v["base"].(map[string]any)["hostFile"] = map[string]any{"path": ""} }, "/base/hostFile/path"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, err := loadChart()
			if err != nil {
				t.Fatal(err)
			}
			changed := clone(t, values)
			tc.change(changed)
			err = l.act(t.Context(), r.Name, func(ctx context.Context, cfg *action.Configuration) error {
				_, err := l.install(ctx, cfg, r, c, changed, nil)
				return err
			})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestOnlyThreeRevisionsAreKept(t *testing.T) {
	l := openLocal(t)
	r := l.release("triage", understudy.ModeServe)
	for i := range 5 {
		r.Adapter.SHA256 = releasetest.Sum(fmt.Sprint(i))
		l.apply(t, r)
	}
	if len(l.records.rows) != maxHistory {
		t.Errorf("%d rows", len(l.records.rows))
	}
	if list, err := l.List(t.Context()); err != nil || len(list) != 1 || list[0].Revision != 5 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestReleasesAreAppliedSideBySide(t *testing.T) {
	l := openLocal(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := l.release(fmt.Sprintf("triage-%d", i/2), understudy.ModeServe) // two at once on each
			if _, err := l.Apply(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, err := l.List(t.Context())
	if err != nil || len(list) != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, a := range list {
		if a.Revision != 1 || a.Status != "deployed" {
			t.Errorf("%+v", a)
		}
		l.serving(t, a.Name)
	}
}

func TestAnActionThatWasNotStartedIsNotDone(t *testing.T) {
	l := openLocal(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Apply(ctx, l.release("triage", understudy.ModeServe)); !errors.Is(err, context.Canceled) || len(l.records.rows) != 0 {
		t.Errorf("%v, %v", err, l.records.rows)
	}
}

func TestABaseThatIsNowhereIsSaid(t *testing.T) {
	l := openLocal(t)
	r := l.release("triage", understudy.ModeServe)
	r.Base.Serve.File = "other.gguf"
	if _, err := l.Digest(r); understudy.CodeOf(err) != understudy.Invalid || !strings.Contains(err.Error(), "other.gguf") {
		t.Errorf("got %v", err)
	}
	r.Base.Serve.URL, r.Base.Serve.SHA256 = "https://models.example.com/other.gguf", releasetest.Sum("other")
	values, err := l.values(r)
	if err != nil || values["base"].(map[string]any)["source"] != "pull" {
		t.Errorf("%v, %v", values["base"], err)
	}
}
