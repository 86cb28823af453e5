package trainer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAJobOnlyMovesAsTheTableSays(t *testing.T) {
	for _, c := range []struct {
		from, to State
		ok       bool
	}{
		{Queued, Provisioning, true}, {Provisioning, Training, true}, {Training, Downloading, true}, {Downloading, Succeeded, true},
		{Provisioning, Downloading, true}, {Downloading, Training, true}, {Training, Failed, true}, {Queued, Cancelled, true},
		{Training, Succeeded, false}, {Training, Queued, false}, {Succeeded, Failed, false}, {Cancelled, Succeeded, false}, {Failed, Queued, false},
		{Training, "dancing", false}, {"", Training, false},
	} {
		j := Job{ID: "j", State: c.from, Waiting: "for something"}
		err := j.Move(c.to, time.Unix(1, 0))
		if (err == nil) != c.ok || (c.ok && (j.State != c.to || j.Waiting != "" || !j.UpdatedAt.Equal(time.Unix(1, 0)))) || (!c.ok && j.State != c.from) {
			t.Errorf("%s -> %s: %v, now %+v", c.from, c.to, err, j)
		}
	}
	for s, finished := range map[State]bool{Queued: false, Provisioning: false, Training: false, Downloading: false, Succeeded: true, Failed: true, Cancelled: true} {
		if s.Finished() != finished {
			t.Errorf("%s: finished %v", s, s.Finished())
		}
	}
}

func TestAJobBelongsToTheModelInItsName(t *testing.T) {
	for _, c := range []struct {
		job, model string
		want       bool
	}{
		{"m-1", "m", true}, {"a-b-12", "a-b", true}, {"m-1", "m-1", false}, {"m-1", "", false}, {"m-", "m", false},
		{"m-x", "m", false}, {"mm-1", "m", false}, {"a-b-12", "a", false}, {"m-1", "n", false},
	} {
		if j := (Job{ID: c.job}); j.BelongsTo(c.model) != c.want {
			t.Errorf("job %s, model %q: want %v", c.job, c.model, c.want)
		}
	}
}

func TestTheSameWorkIsKnownAgain(t *testing.T) {
	base := Spec{Hyperparameters: json.RawMessage(`{"a":1,"b":[2]}`), Dataset: Dataset{URL: "http://a", SHA256: "s"}, GPUCandidates: nil}
	for name, c := range map[string]struct {
		change func(*Spec)
		same   bool
	}{
		"nothing changed":                {func(*Spec) {}, true},
		"keys in another order":          {func(s *Spec) { s.Hyperparameters = json.RawMessage(`{ "b":[2], "a":1 }`) }, true},
		"the data set from elsewhere":    {func(s *Spec) { s.Dataset.URL = "http://b" }, true},
		"an empty list for no list":      {func(s *Spec) { s.GPUCandidates = []string{} }, true},
		"another data set":               {func(s *Spec) { s.Dataset.SHA256 = "t" }, false},
		"another hyperparameter":         {func(s *Spec) { s.Hyperparameters = json.RawMessage(`{"a":2,"b":[2]}`) }, false},
		"one hyperparameter more":        {func(s *Spec) { s.Hyperparameters = json.RawMessage(`{"a":1,"b":[2],"c":0}`) }, false},
		"a seed that floats cannot tell": {func(s *Spec) { s.Hyperparameters = json.RawMessage(`{"a":9007199254740993,"b":[2]}`) }, false},
		"another deadline":               {func(s *Spec) { s.DeadlineSeconds = 9 }, false},
		"another base":                   {func(s *Spec) { s.Base.Name = "x" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			other := base
			c.change(&other)
			if base.Same(other) != c.same || other.Same(base) != c.same {
				t.Errorf("want same %v", c.same)
			}
		})
	}
	a, b := base, base
	a.Hyperparameters, b.Hyperparameters = json.RawMessage(`{"seed":9007199254740992}`), json.RawMessage(`{"seed":9007199254740993}`)
	if a.Same(b) {
		t.Error("two large seeds are taken for one")
	}
}

func TestAManifestIsHeldAgainstItsJob(t *testing.T) {
	spec := Spec{Base: Base{Name: "tiny"}, Dataset: Dataset{SHA256: "d"}}
	list := []Artifact{{Name: AdapterFile, Size: 1, SHA256: "a"}, {Name: ManifestFile, Size: 2, SHA256: "m"}}
	good := `{"version":1,"base":{"name":"tiny"},"chatTemplate":"t","dataset":{"sha256":"d"},"files":[{"name":"adapter.gguf","size":1,"sha256":"a"}]}`
	for name, c := range map[string]struct{ from, to, says string }{
		"a good one":             {"", "", ""},
		"another version":        {`"version":1`, `"version":2`, "version 2"},
		"another base":           {`"tiny"`, `"big"`, `"big" instead of "tiny"`},
		"another data set":       {`"sha256":"d"`, `"sha256":"e"`, "another data set"},
		"no chat template":       {`"t"`, `""`, "no chat template"},
		"another adapter":        {`"sha256":"a"`, `"sha256":"b"`, "disagree about adapter.gguf"},
		"no JSON":                {`{"version"`, `"version"`, "not valid"},
		"a list for the version": {`"version":1`, `"version":[1]`, "not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadManifest([]byte(strings.Replace(good, c.from, c.to, 1)), spec, list)
			if (err == nil) != (c.says == "") || (err != nil && (!strings.Contains(err.Error(), c.says) || CodeOf(err) != Broken)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What is known of a training's quality is that of the weights that are kept.
func TestAManifestTellsHowGoodTheBestStepWas(t *testing.T) {
	for name, c := range map[string]struct {
		manifest string
		exact    float64 // -1: not known
	}{
		"the last step is the best":   {`{"steps":20,"bestStep":20,"curves":{"evalExact":[{"step":10,"value":0.5},{"step":20,"value":0.75}]}}`, 0.75},
		"an earlier one is":           {`{"steps":30,"bestStep":10,"curves":{"evalExact":[{"step":10,"value":0.5},{"step":20,"value":0.25}]}}`, 0.5},
		"it gets nothing right":       {`{"steps":30,"bestStep":10,"curves":{"evalExact":[{"step":10,"value":0}]}}`, 0},
		"nothing was set apart":       {`{"steps":20,"bestStep":20,"curves":{"evalExact":[]}}`, -1},
		"an agent that tells nothing": {`{}`, -1},
	} {
		t.Run(name, func(t *testing.T) {
			var m Manifest
			if err := json.Unmarshal([]byte(c.manifest), &m); err != nil {
				t.Fatal(err)
			}
			got := m.Facts().EvalExact
			if (got == nil) != (c.exact < 0) || got != nil && *got != c.exact {
				t.Errorf("got %v, want %g", got, c.exact)
			}
		})
	}
}

// The cost of a job is final when each of its machines is ended and billed, and
// the bill is old enough to be whole; a bill that never comes is not waited for.
func TestACostSettles(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	usd := 0.5
	ended := func(ago time.Duration, bill *float64) Rental {
		return Rental{ID: "p", HourlyUSD: 0.6, StartedAt: now.Add(-ago - time.Hour), EndedAt: now.Add(-ago), BilledUSD: bill}
	}
	for name, c := range map[string]struct {
		rentals []Rental
		state   State
		clean   bool
		want    bool
	}{
		"billed and old":                       {[]Rental{ended(3*time.Hour, &usd)}, Succeeded, true, true},
		"billed a moment ago":                  {[]Rental{ended(time.Minute, &usd)}, Succeeded, true, false},
		"old and not billed yet":               {[]Rental{ended(3*time.Hour, nil)}, Succeeded, true, false},
		"so old that no bill will come":        {[]Rental{ended(49*time.Hour, nil)}, Succeeded, true, true},
		"one of two is not billed":             {[]Rental{ended(3*time.Hour, &usd), ended(3*time.Hour, nil)}, Succeeded, true, false},
		"a machine still runs":                 {[]Rental{{ID: "p", StartedAt: now.Add(-time.Hour)}}, Training, false, false},
		"another machine may follow":           {[]Rental{ended(3*time.Hour, &usd)}, Training, false, false},
		"the job failed, its pod is not ended": {[]Rental{ended(3*time.Hour, &usd)}, Failed, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := Record{Rentals: c.rentals, Job: Job{State: c.state}, Clean: c.clean}
			if got := r.Settled(now); got != c.want {
				t.Errorf("settled: %t", got)
			}
		})
	}
	r := Record{Rentals: []Rental{ended(time.Hour, nil), {ID: "q", StartedAt: now.Add(-30 * time.Minute)}}}
	if got := r.Seconds(now); got != 5400 {
		t.Errorf("rented for %g s, want an hour and a half", got)
	}
}

func TestAFullDiskIsExplained(t *testing.T) {
	err := Explain(fmt.Errorf("write: %w", syscall.ENOSPC), "/data")
	if CodeOf(err) != NoSpace || !strings.Contains(err.Error(), "/data") {
		t.Errorf("got %v", err)
	}
	if other := errors.New("x"); Explain(other, "/data") != other {
		t.Error("another error was changed")
	}
}

// What an agent lists is either refused, or safe to name files by.
func FuzzArtifactsFromAnAgent(f *testing.F) {
	f.Add([]byte(`[{"name":"adapter.gguf","size":1,"sha256":"` + strings.Repeat("0", 64) + `"},{"name":"manifest.json","size":1,"sha256":"` + strings.Repeat("1", 64) + `"}]`))
	f.Add([]byte(`[{"name":"../x","size":-1,"sha256":"/"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var list []Artifact
		if json.Unmarshal(data, &list) != nil || CheckArtifacts(list) != nil {
			return
		}
		for _, a := range list {
			if strings.ContainsAny(a.Name+a.SHA256, "/\\\x00") || a.Name[0] == '.' || len(a.SHA256) != 64 || a.Size <= 0 {
				t.Errorf("accepted %+v", a)
			}
		}
	})
}

// No manifest makes the check panic or pass with another adapter than listed.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"version":1,"base":{"name":"tiny"},"chatTemplate":"t","dataset":{"sha256":"d"},"files":[{"name":"adapter.gguf","size":1,"sha256":"a"}]}`))
	f.Add([]byte(`{"files":[null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		spec := Spec{Base: Base{Name: "tiny"}, Dataset: Dataset{SHA256: "d"}}
		if _, err := ReadManifest(data, spec, []Artifact{{Name: AdapterFile, Size: 1, SHA256: "a"}}); err == nil && !strings.Contains(string(data), "a") {
			t.Errorf("accepted %q", data)
		}
	})
}

// A spec from outside is refused or has a stable identity.
func FuzzSpec(f *testing.F) {
	f.Add([]byte(`{"base":{"name":"b","architecture":"llama","contextLength":1,"train":{"hf":"x"}},"dataset":{"url":"http://h/","sha256":"` + strings.Repeat("0", 64) + `","pairs":1},"hyperparameters":{"a":1e400},"provider":"local","deadlineSeconds":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Spec
		if json.Unmarshal(data, &s) != nil || s.Validate([]string{"local"}) != nil {
			return
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again Spec
		if err := json.Unmarshal(b, &again); err != nil || !s.Same(again) {
			t.Errorf("%s is not itself after a restart: %v", b, err)
		}
	})
}
