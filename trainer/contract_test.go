package trainer

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"
)

// What the contract shows as job, spec, manifest and states is what we read
// and write.
func TestTheContractIsOurs(t *testing.T) {
	b, err := os.ReadFile("../ci/contract/trainer.json")
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		JobID    string `json:"jobId"`
		Spec     json.RawMessage
		Job      json.RawMessage
		Finished json.RawMessage
		States   []State
		Manifest json.RawMessage
	}
	if err := json.Unmarshal(b, &contract); err != nil {
		t.Fatal(err)
	}
	var spec Spec
	var job, finished Job
	same(t, "spec", contract.Spec, &spec)
	same(t, "job", contract.Job, &job)
	same(t, "finished", contract.Finished, &finished)
	if err := CheckID(contract.JobID); err != nil {
		t.Error(err)
	}
	if err := spec.Validate([]string{"local"}); err != nil {
		t.Error(err)
	}
	if err := CheckArtifacts(job.Artifacts); err != nil {
		t.Error(err)
	}
	manifest, err := ReadManifest(contract.Manifest, spec, job.Artifacts)
	if err != nil {
		t.Error(err)
	}
	if facts := manifest.Facts(); !reflect.DeepEqual(&facts, finished.Trained) {
		t.Errorf("the manifest tells %+v, the finished job %+v", facts, finished.Trained)
	}
	if want := []State{Queued, Provisioning, Training, Downloading, Succeeded, Failed, Cancelled}; !reflect.DeepEqual(contract.States, want) {
		t.Errorf("states %v", contract.States)
	}
}

// same reads raw into v and wants every field back when v is written.
func same(t *testing.T, name string, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	_ = json.Unmarshal(raw, &want)
	_ = json.Unmarshal(b, &got)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: the contract has\n%s\nwe write\n%s", name, raw, b)
	}
}
