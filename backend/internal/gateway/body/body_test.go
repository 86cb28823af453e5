package body

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestOnlyTheEditedBytesChange(t *testing.T) {
	model := Edit{"model", []byte(`"gpt"`)}
	for name, c := range map[string]struct {
		in    string
		edits []Edit
		want  string
	}{
		"a value in the middle":           {`{"a":1, "model" : "x" ,"b":1.0e2}`, []Edit{model}, `{"a":1, "model" : "gpt" ,"b":1.0e2}`},
		"white space around":              {" \n{\"model\":\"x\"}\n ", []Edit{model}, " \n{\"model\":\"gpt\"}\n "},
		"a key that is absent":            {`{"a":null}`, []Edit{model}, `{"model":"gpt","a":null}`},
		"an empty object":                 {`{ }`, []Edit{model}, `{"model":"gpt" }`},
		"two absent keys":                 {`{}`, []Edit{model, {"b", []byte("1")}}, `{"model":"gpt","b":1}`},
		"a key that comes twice":          {`{"model":"x","model":"y"}`, []Edit{model}, `{"model":"gpt","model":"gpt"}`},
		"an escaped key":                  {`{"mod\u0065l":"x"}`, []Edit{model}, `{"mod\u0065l":"gpt"}`},
		"the same name deeper down stays": {`{"x":{"model":"y"},"model":"x"}`, []Edit{model}, `{"x":{"model":"y"},"model":"gpt"}`},
		"a brace within a string":         {`{"m":"}\"{","model":3}`, []Edit{model}, `{"m":"}\"{","model":"gpt"}`},
		"no edit":                         {`{"a":  1}`, nil, `{"a":  1}`},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := Parse([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(o.Splice(c.edits...)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestABadBodyIsRefusedWithAReason(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"empty":          {"  ", "empty"},
		"cut off":        {`{"a":`, "not valid JSON"},
		"not an object":  {`[1]`, "not a JSON object"},
		"two values":     {`{} {}`, "not valid JSON"},
		"not UTF-8":      {"{\"a\":\"\xff\"}", "UTF-8"},
		"nested too far": {strings.Repeat("[", 5_000_000), "not valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRebuildLeavesOutWhatIsNotKept(t *testing.T) {
	o, err := Parse([]byte(`{"user":"u","a":[1, 2],"max":1,"a":[3],"model":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	got := string(o.Rebuild(func(n string) bool { return n != "user" && n != "max" }, Edit{"model", []byte(`"y"`)}))
	if got != `{"a":[3],"model":"y"}` {
		t.Error(got)
	}
}

func FuzzSplice(f *testing.F) {
	for _, s := range []string{`{"model":"x","messages":[{"role":"user"}]}`, ` {"a":{"model":1}} `, `{"model":"a","model":"b"}`, `{}`, `{"\u006dodel":1}`, `{"a":"\ud800"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := Parse(raw)
		if err != nil {
			return
		}
		var before, after map[string]json.RawMessage
		if err := json.Unmarshal(raw, &before); err != nil {
			t.Fatalf("encoding/json refuses what was accepted: %v", err)
		}
		if len(o.Get("model")) > 0 && string(o.Get("model")) != string(before["model"]) {
			t.Fatalf("model is %q, encoding/json sees %q", o.Get("model"), before["model"])
		}
		out := o.Splice(Edit{"model", []byte(`"new"`)})
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("%s became %s: %v", raw, out, err)
		}
		before["model"] = json.RawMessage(`"new"`)
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("%s became %s", raw, out)
		}
		var kept bytes.Buffer
		want := map[string]json.RawMessage{}
		for k, v := range before {
			kept.Reset()
			_ = json.Compact(&kept, v)
			want[k] = bytes.Clone(kept.Bytes())
		}
		canonical := o.Splice(Edit{"model", []byte(`"new"`)})
		again, _ := Parse(canonical)
		canonical = again.Canonical(func(string) bool { return true })
		var got map[string]json.RawMessage
		if err := json.Unmarshal(canonical, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s is %s in canonical form: %v", raw, canonical, err)
		}
		var rebuilt map[string]json.RawMessage
		if err := json.Unmarshal(o.Rebuild(func(string) bool { return true }, Edit{"model", []byte(`"new"`)}), &rebuilt); err != nil || !reflect.DeepEqual(before, rebuilt) {
			t.Fatalf("%s rebuilt as %v: %v", raw, rebuilt, err)
		}
	})
}
