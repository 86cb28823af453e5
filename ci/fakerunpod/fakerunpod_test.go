package fakerunpod

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"understudy.dev/service/child"
)

// TestMain lets this binary be what runs in a pod.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "program" {
		os.Exit(program())
	}
	os.Exit(m.Run())
}

// program serves its environment, a file that it keeps on its disk, and slowly.
func program() int {
	child.DieWithParent(nil)
	ln, err := net.Listen("tcp", os.Getenv("LISTEN_ADDR"))
	if err != nil {
		return 1
	}
	fmt.Println("the program starts")
	mux := http.NewServeMux()
	mux.HandleFunc("/env/{name}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getenv(r.PathValue("name"))) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) { time.Sleep(time.Minute) })
	mux.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(0) })
	mux.HandleFunc("/keep", func(w http.ResponseWriter, _ *http.Request) {
		dir := os.Getenv("AGENT_DIR")
		_ = os.MkdirAll(dir, 0o700)
		b, _ := os.ReadFile(dir + "/kept")
		_ = os.WriteFile(dir+"/kept", append(b, '.'), 0o600)
		fmt.Fprint(w, len(b))
	})
	file := os.Getenv("AGENT_PORT_FILE")
	_ = os.WriteFile(file+".new", []byte("http://"+ln.Addr().String()), 0o600)
	_ = os.Rename(file+".new", file)
	_ = http.Serve(ln, mux)
	return 1
}

type world struct {
	*testing.T
	*Server
	url string
}

func start(t *testing.T, change func(*Options)) *world {
	t.Helper()
	o := Options{Key: "k", Dir: t.TempDir(), Agent: []string{os.Args[0], "program"}, Restarting: 10 * time.Millisecond,
		ProxyLimit: 300 * time.Millisecond, Volumes: map[string]string{"vol": "EU-RO-1"}}
	if change != nil {
		change(&o)
	}
	s := New(o)
	h := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); h.Close() })
	return &world{t, s, h.URL}
}

func (w *world) call(method, path, body string) (int, map[string]any, http.Header) {
	w.Helper()
	req, err := http.NewRequest(method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer k")
	req.Header.Set("User-Agent", "test")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	var v map[string]any
	if len(b) > 0 && json.Unmarshal(b, &v) != nil {
		v = map[string]any{"text": string(b)}
	}
	return res.StatusCode, v, res.Header
}

func (w *world) keeps(schema string, v any) {
	w.Helper()
	for _, bad := range Violations(schema, v) {
		w.Errorf("not as RunPod's %s: %s", schema, bad)
	}
}

const order = `{"name":"n","image":"i","gpu":{"id":"NVIDIA L4","count":1},"ports":["8000/http"],"env":{"AGENT_DIR":"/workspace/a","LISTEN_ADDR":"0.0.0.0:8000"}`

func (w *world) create(more string) string {
	w.Helper()
	status, pod, _ := w.call("POST", "/v2/pods", order+more+"}")
	if status != 201 {
		w.Fatalf("%d %v", status, pod)
	}
	w.keeps("Pod", pod)
	return pod["id"].(string)
}

func (w *world) await(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("never happened: %s; %+v", what, w.State())
		}
	}
}

// through asks the pod's program by the proxy.
func (w *world) through(id, path string) (int, string) {
	w.Helper()
	status, v, _ := w.call("GET", "/proxy/"+id+"/8000/"+path, "")
	if v == nil {
		return status, ""
	}
	return status, fmt.Sprint(v["text"])
}

func (w *world) up(id string) {
	w.Helper()
	w.await("the program answers", func() bool { status, _ := w.through(id, "env/RUNPOD_POD_ID"); return status == 200 })
}

func TestAPodIsRunningBeforeItsProgramIs(t *testing.T) {
	w := start(t, func(o *Options) { o.Provisioning, o.Starting = 50*time.Millisecond, 200*time.Millisecond })
	id := w.create("")
	seen := map[string]bool{}
	w.await("the program answers", func() bool {
		_, pod, _ := w.call("GET", "/v2/pods/"+id, "")
		w.keeps("Pod", pod)
		code, _ := w.through(id, "env/RUNPOD_POD_ID")
		seen[fmt.Sprint(pod["status"], pod["runtime"] != nil, code)] = true
		return code == 200
	})
	for _, want := range []string{"PROVISIONINGfalse 502", "RUNNINGfalse 502"} {
		if !seen[want] {
			t.Errorf("never %s; seen %v", want, seen)
		}
	}
	if _, list, _ := w.call("GET", "/v2/pods", ""); len(list["pods"].([]any)) != 1 {
		t.Errorf("%v", list)
	} else {
		w.keeps("ListPodsResponse", list)
	}
	if code, _, _ := w.call("DELETE", "/v2/pods/"+id, ""); code != 204 {
		t.Errorf("delete: %d", code)
	}
	if code, problem, _ := w.call("GET", "/v2/pods/"+id, ""); code != 404 {
		t.Errorf("a deleted pod: %d", code)
	} else {
		w.keeps("ErrorResponse", problem)
	}
}

func TestWhatRunPodRefusesIsRefused(t *testing.T) {
	w := start(t, nil)
	for name, c := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"a key of the old version":      {`{"name":"n","imageName":"i","gpu":{"id":"NVIDIA L4"}}`, 422, "additional properties 'imageName' not allowed"},
		"a key of the old one within":   {`{"name":"n","image":"i","gpu":{"id":"NVIDIA L4","gpuCount":1}}`, 422, "'gpuCount' not allowed"},
		"no name":                       {`{"image":"i","gpu":{"id":"NVIDIA L4"}}`, 422, "missing property 'name'"},
		"a port that is a number":       {`{"name":"n","image":"i","gpu":{"id":"NVIDIA L4"},"ports":[8000]}`, 422, "must be a string"},
		"another cloud":                 {`{"name":"n","image":"i","gpu":{"id":"NVIDIA L4"},"cloud":"ALL"}`, 422, "must be one of"},
		"two volumes":                   {`{"name":"n","image":"i","gpu":{"id":"NVIDIA L4"},"mounts":{"network":[{"volumeId":"vol","path":"/w"},{"volumeId":"vol","path":"/x"}]}}`, 422, "more than 1"},
		"no machine":                    {`{"name":"n","image":"i"}`, 400, "exactly one of gpu and cpu"},
		"a GPU without stock":           {`{"name":"n","image":"i","gpu":{"id":"NVIDIA A40"}}`, 400, noCapacity},
		"a volume in another place":     {order + `,"dataCenterIds":["US-TX-3"],"mounts":{"network":[{"volumeId":"vol","path":"/w"}]}}`, 400, "not in this data center"},
		"a GPU that the cloud has none": {order + `,"cloud":"COMMUNITY"}`, 400, noCapacity},
	} {
		t.Run(name, func(t *testing.T) {
			status, v, _ := w.call("POST", "/v2/pods", c.body)
			w.keeps("ErrorResponse", v)
			if status != c.status || !strings.Contains(fmt.Sprint(v), c.says) {
				t.Errorf("%d %v", status, v)
			}
		})
	}
	if n := len(w.State().Pods); n != 0 {
		t.Errorf("%d pods were made", n)
	}
}

func TestOnlyTheKeyOpensTheDoor(t *testing.T) {
	w := start(t, nil)
	a, b := w.create(""), w.create("")
	w.up(a)
	_, key := w.through(a, "env/RUNPOD_API_KEY")
	for name, c := range map[string]struct {
		key, agent, path string
		status           int
	}{
		"no key":                        {"", "test", "/v2/pods", 401},
		"a wrong key":                   {"x", "test", "/v2/pods", 401},
		"a library's own agent":         {"k", "Python-urllib/3.13", "/v2/pods", 403},
		"a pod's key on the list":       {key, "test", "/v2/pods", 403},
		"a pod's key on another's":      {key, "test", "/v2/pods/" + b, 403},
		"a pod's key on what it is for": {key, "test", "/v2/pods/" + a, 200},
	} {
		req, _ := http.NewRequest("GET", w.url+c.path, nil)
		req.Header.Set("User-Agent", c.agent)
		if c.key != "" {
			req.Header.Set("Authorization", "Bearer "+c.key)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
}

func TestARestartWipesTheDiskAndKeepsTheVolume(t *testing.T) {
	for name, c := range map[string]struct{ more, kept string }{
		"without a volume": {"", "0"},
		"with a volume":    {`,"mounts":{"network":[{"volumeId":"vol","path":"/workspace"}]}`, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, nil)
			id := w.create(c.more)
			w.up(id)
			w.through(id, "keep")
			w.through(id, "exit")
			w.await("it was started again", func() bool { return w.State().Pods[0].Starts == 2 })
			w.up(id)
			if _, kept := w.through(id, "keep"); kept != c.kept {
				t.Errorf("%s bytes were kept", kept)
			}
			if pod := w.State().Pods[0]; pod.Status != "RUNNING" || pod.USD <= 0 {
				t.Errorf("the pod is %+v", pod)
			}
		})
	}
}

func TestTheProxyHasALimit(t *testing.T) {
	w := start(t, nil)
	id := w.create("")
	w.up(id)
	if status, _ := w.through(id, "slow"); status != 524 {
		t.Errorf("answered %d", status)
	}
	w.Mute(id, true)
	if status, _ := w.through(id, "env/X"); status != 502 {
		t.Errorf("answered %d", status)
	}
}

func TestTheBillIsOfSeconds(t *testing.T) {
	w := start(t, nil)
	id := w.create("")
	w.up(id)
	w.call("POST", "/v2/pods/"+id+"/action", `{"action":"stop"}`)
	before := w.State().Pods[0]
	if code, v, _ := w.call("POST", "/v2/pods/"+id+"/action", `{"action":"restart"}`); code != 409 {
		t.Errorf("restart of a stopped pod: %d %v", code, v)
	}
	_, bill, _ := w.call("GET", "/v2/billing/pods?podId="+id, "")
	w.keeps("ListPodBillingResponse", bill)
	records := bill["records"].([]any)
	if len(records) != 1 || before.USD <= 0 {
		t.Fatalf("%v", bill)
	}
	if usd := records[0].(map[string]any)["totalAmount"].(float64); usd != before.USD || usd > 0.43*20/3600 {
		t.Errorf("billed %g, before %g", usd, before.USD)
	}
}

func TestTheQuotaIsCounted(t *testing.T) {
	w := start(t, func(o *Options) { o.Quota = 2 })
	for i, want := range []int{200, 200, 429} {
		status, _, h := w.call("GET", "/v2/pods", "")
		if status != want || !strings.HasPrefix(h.Get("RateLimit"), fmt.Sprintf(`"minute";r=%d;t=`, max(1-i, 0))) {
			t.Errorf("request %d: %d %s", i, status, h.Get("RateLimit"))
		}
		if want == 429 && h.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
}

func TestTheCatalogueIsInRunPodsShape(t *testing.T) {
	w := start(t, nil)
	_, gpus, _ := w.call("GET", "/v2/catalog/gpus?include=AVAILABILITY&product=POD", "")
	w.keeps("ListGpuTypesResponse", gpus)
	_, places, _ := w.call("GET", "/v2/catalog/datacenters?include=GPU_AVAILABILITY", "")
	w.keeps("ListDataCentersResponse", places)
	_, volume, _ := w.call("GET", "/v2/network-volumes/vol", "")
	w.keeps("NetworkVolume", volume)
	if status, _, _ := w.call("GET", "/v2/catalog/gpus?include=AVAILABILITY", ""); status != 400 {
		t.Errorf("availability of no product: %d", status)
	}
}

func TestLogsAreStreamed(t *testing.T) {
	w := start(t, nil)
	id := w.create("")
	w.up(id)
	req, _ := http.NewRequest("GET", w.url+"/v2/pods/"+id+"/logs?tail=5", nil)
	req.Header.Set("Authorization", "Bearer k")
	req.Header.Set("User-Agent", "test")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var seen bytes.Buffer
	b := make([]byte, 1024)
	for !strings.Contains(seen.String(), "the program starts") {
		n, err := res.Body.Read(b)
		if err != nil {
			t.Fatalf("%v: %s", err, &seen)
		}
		seen.Write(b[:n])
	}
	if !strings.HasPrefix(seen.String(), "id: 20") {
		t.Errorf("%s", &seen)
	}
}

func TestEveryAnswerSaysThatItIsASimulation(t *testing.T) {
	w := start(t, nil)
	_, _, h := w.call("GET", "/v2/pods", "")
	if !strings.Contains(h.Get("Server"), "a simulation, not RunPod") {
		t.Errorf("%v", h)
	}
}
