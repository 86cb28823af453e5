package runpod

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// fact is what RunPod's document says of one field.
type fact struct {
	Type     string          `json:"type"`
	Required bool            `json:"required"`
	Nullable bool            `json:"nullable"`
	Enum     []string        `json:"enum"`
	Schema   string          `json:"schema"`
	Items    *fact           `json:"items"`
	Fields   map[string]fact `json:"fields"`
}

type facts struct {
	Paths    map[string][]string `json:"paths"`
	Actions  map[string][]string `json:"actions"`
	Capacity []string            `json:"capacityDetails"`
	Schemas  map[string]struct {
		Closed bool            `json:"closed"`
		Fields map[string]fact `json:"fields"`
	} `json:"schemas"`
}

func readFacts(t *testing.T) facts {
	t.Helper()
	b, err := os.ReadFile("../../../ci/contract/runpod.json")
	if err != nil {
		t.Fatal(err)
	}
	var f facts
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// What we send has no key that RunPod does not know, has all that it requires,
// and every field we send or read has RunPod's type.
func TestOurShapesAreRunPods(t *testing.T) {
	f := readFacts(t)
	for name, c := range map[string]struct {
		shape any
		sent  bool
	}{
		"CreatePodRequest": {CreatePod{}, true}, "CreateGpuConfig": {CreateGPU{}, true}, "Mounts": {Mounts{}, true}, "NetworkMount": {NetworkMount{}, true},
		"Pod": {Pod{}, false}, "GpuConfig": {PodGPU{}, false}, "PodRuntime": {PodRuntime{}, false}, "ListPodsResponse": {listPods{}, false},
		"GpuType": {GPUType{}, false}, "DataCenterAvailability": {Stock{}, false}, "ListGpuTypesResponse": {listGPUs{}, false},
		"NetworkVolume": {Volume{}, false}, "PodBillingRecord": {BillingRecord{}, false}, "ListPodBillingResponse": {listBilling{}, false},
		"ErrorResponse": {problem{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			schema, ok := f.Schemas[name]
			if !ok {
				t.Fatal("the facts have no such schema")
			}
			check(t, schema.Fields, reflect.TypeOf(c.shape), c.sent)
			if c.sent && !schema.Closed {
				t.Error("the facts say that unknown keys are taken; they are not")
			}
		})
	}
}

func check(t *testing.T, known map[string]fact, shape reflect.Type, sent bool) {
	t.Helper()
	var ours []string
	for i := range shape.NumField() {
		field := shape.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		ours = append(ours, name)
		f, ok := known[name]
		if !ok {
			t.Errorf("RunPod knows no field %q", name)
			continue
		}
		if !fits(f, field.Type) {
			t.Errorf("%s is %s there and %s here", name, f.Type, field.Type)
		}
		if f.Fields != nil && field.Type.Kind() == reflect.Struct {
			check(t, f.Fields, field.Type, sent)
		}
		if sent && f.Required && strings.Contains(options, "omitempty") {
			t.Errorf("%s is required and may be left out here", name)
		}
		if !sent && f.Nullable && field.Type.Kind() != reflect.Pointer {
			t.Errorf("%s may be null there", name)
		}
	}
	for name, f := range known {
		if sent && f.Required && !slices.Contains(ours, name) {
			t.Errorf("%s is required and never sent", name)
		}
	}
}

func fits(f fact, t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[time.Time]() {
		return f.Type == "string"
	}
	switch f.Type {
	case "string":
		return t.Kind() == reflect.String
	case "integer":
		return t.Kind() == reflect.Int || t.Kind() == reflect.Int64
	case "number":
		return t.Kind() == reflect.Float64
	case "boolean":
		return t.Kind() == reflect.Bool
	case "array":
		return t.Kind() == reflect.Slice && fits(*f.Items, t.Elem())
	}
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Map
}

func TestEnumerationsAreKnown(t *testing.T) {
	f := readFacts(t)
	pod := f.Schemas["Pod"].Fields
	if want := []string{string(Provisioning), string(Starting), string(Running), string(Exited), string(Errored), string(Terminated)}; !slices.Equal(pod["status"].Enum, want) {
		t.Errorf("statuses %v, we know %v", pod["status"].Enum, want)
	}
	if want := []string{string(None), string(Low), string(Medium), string(High)}; !slices.Equal(f.Schemas["GpuType"].Fields["availability"].Enum, want) {
		t.Errorf("levels %v", f.Schemas["GpuType"].Fields["availability"].Enum)
	}
	if want := []string{string(Secure), string(Community)}; !slices.Equal(pod["cloud"].Enum, want) {
		t.Errorf("clouds %v", pod["cloud"].Enum)
	}
}

func TestEveryWordingOfNoCapacityIsUnderstood(t *testing.T) {
	for _, detail := range readFacts(t).Capacity {
		if !NoCapacity(&Error{Status: 400, Detail: detail}) {
			t.Errorf("not understood: %s", detail)
		}
	}
	if NoCapacity(&Error{Status: 400, Detail: "gpu.count must not be above 8"}) {
		t.Error("a broken rule is taken for no capacity")
	}
}
