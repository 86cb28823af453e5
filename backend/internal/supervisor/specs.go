package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"understudy.dev/backend/internal/localnode"
	"understudy.dev/service/child"
	"understudy.dev/service/env"
	"understudy.dev/service/serve"
)

// specs lists the children, the backend last: it calls all others.
func specs(o Options, st State, k keys, redis string, s sockets) []spec {
	bin := func(name string) string { return filepath.Join(o.Home, "bin", name) }
	common := append(inherited(o.Environment),
		"UNDERSTUDY_SERVICE_TOKEN="+k.service,
		"BACKEND_URL="+st.Backend, "TRAINER_URL="+st.Trainer, "EVALUATOR_URL="+st.Evaluator,
		"MODELS_DIR="+o.ModelsDir,
	)
	with := func(more ...string) []string { return append(append([]string{}, common...), more...) }
	out := []spec{
		{name: "evaluator", path: bin("understudy-evaluator"), url: st.Evaluator, env: with("MODEL_DIR=" + filepath.Join(o.ModelsDir, "all-MiniLM-L6-v2"))},
		{name: "trainer", path: bin("understudy-trainer"), url: st.Trainer, env: with(append(training(o, st),
			"UNDERSTUDY_DATA_DIR="+filepath.Join(o.DataDir, "trainer"), "PYTHONPATH="+filepath.Join(o.Home, "trainer", "agent", "src"))...)},
		{name: "frontend", path: bin("understudy-frontend"), url: st.Frontend, env: with()},
	}
	backendEnv := []string{
		"UNDERSTUDY_DATA_DIR=" + o.DataDir, "REDIS_URL=redis://" + redis, "UNDERSTUDY_ADMIN_KEY=" + k.admin,
		"UNDERSTUDY_RUNTIME=local", "UNDERSTUDY_CONTROL_SOCKET=" + st.Socket,
	}
	if o.Recording != "" {
		out = append(out, spec{name: "replay", path: bin("understudy"), args: []string{"replay", "--recording", o.Recording}, url: st.Replay, env: with()})
		backendEnv = append(backendEnv, "UNDERSTUDY_REPLAY_URL="+st.Replay)
	}
	if o.SimulateRunPod {
		out = append(out, spec{name: "runpod", path: bin("understudy-fakerunpod"), url: st.RunPod,
			args: []string{"--dir", filepath.Join(o.DataDir, "runpod"), python(o.Home), "-m", "understudy_agent"},
			env:  with("RUNPOD_API_KEY="+simulatedKey, "PYTHONPATH="+filepath.Join(o.Home, "trainer", "agent", "src"))})
	}
	if o.Provider != "" {
		backendEnv = append(backendEnv, "TRAINING_PROVIDER="+o.Provider)
	}
	out = append(out, spec{name: "backend", path: bin("understudy"), args: []string{"serve"}, url: st.Backend, env: append(append(own(), with()...), backendEnv...)})
	for i := range out {
		out[i].socket = s[out[i].name]
	}
	return out
}

// simulatedKey is the API key of an account that is not there.
const simulatedKey = "rpa_simulated"

// training is how the trainer is told who trains, and how: what the user's
// environment says, and what this platform was started with over it. What ends
// an agent in a pod (AGENT_DEADLINE and the like) is not for one that runs here.
func training(o Options, st State) []string {
	var out []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch strings.TrimSuffix(name, "_FILE") {
		case "TRAINING_PROVIDER", "AGENT_URL", "AGENT_TOKEN", "AGENT_IMAGE", "INSTALL_ID", "HF_TOKEN",
			"AGENT_COMMAND", "AGENT_POLL", "AGENT_SILENCE", "AGENT_STALL", "AGENT_GRACE", "AGENT_DEVICE", "AGENT_LORA_CONVERTER":
			out = append(out, kv)
		default:
			if strings.HasPrefix(name, "CUDA_") || strings.HasPrefix(name, "RUNPOD_") && !o.SimulateRunPod {
				out = append(out, kv)
			}
		}
	}
	if strings.TrimSpace(os.Getenv("AGENT_COMMAND")) == "" {
		out = append(out, "AGENT_COMMAND="+agentCommand(o.Home))
	}
	if o.Provider != "" {
		out = append(out, "TRAINING_PROVIDER="+o.Provider)
	}
	if o.SimulateRunPod {
		out = append(out, "RUNPOD_API_KEY="+simulatedKey, "RUNPOD_BASE_URL="+st.RunPod+"/v2", "RUNPOD_PROXY_URL="+st.RunPod+"/proxy/{pod}/{port}",
			"AGENT_IMAGE=understudy-agent:simulated", "RUNPOD_POLL=1s")
	}
	return out
}

func python(home string) string {
	if p := os.Getenv("UNDERSTUDY_PYTHON"); p != "" {
		return p
	}
	return filepath.Join(home, ".cache", "python", "bin", "python")
}

func agentCommand(home string) string { return env.CommandLine(python(home), "-m", "understudy_agent") }

// startNode starts the local node in this process: the SLMs outlive a restart
// of the backend.
func startNode(o Options, st State, around func() localnode.Around) (*localnode.Server, error) {
	n, err := localnode.NewServer(localnode.ServerConfig{
		Socket:   st.Socket,
		DataDir:  filepath.Join(o.DataDir, "node"),
		LogDir:   filepath.Join(o.DataDir, "logs"),
		Binaries: map[string]string{"understudy-slm-inference": filepath.Join(o.Home, "bin", "understudy-inference")},
		Env: append(inherited(o.Environment),
			"LLAMA_LAUNCHER="+env.CommandLine(python(o.Home), filepath.Join(o.Home, "inference", "launcher", "launch.py"))),
		Around: around, Log: o.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("start the local node: %w", err)
	}
	return n, nil
}

// inherited is what children may know of this process's environment: nothing
// that configures one of our services by accident.
func inherited(more []string) []string {
	var out []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "XDG_CACHE_HOME", "XDG_DATA_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "LLAMA_SERVER", "LOG_LEVEL", "TRAINER_DOWNLOAD_RATE"} {
		if v, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+v)
		}
	}
	return append(out, more...)
}

// own is this process's environment, because the backend reads upstream keys
// from variables that only its user knows. It goes without what hands sockets
// over, without DRAIN_TIME, which drainGrace is made for, without the database
// of another application (the backend's default is a file in its data
// directory), and without the files of secrets that are given directly.
func own() []string {
	var out []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case serve.FDVariable, child.FDVariable, "LISTEN_ADDR", "DRAIN_TIME", "DATABASE_URL", "DATABASE_URL_FILE",
			"REDIS_URL_FILE", "UNDERSTUDY_ADMIN_KEY_FILE", "UNDERSTUDY_SERVICE_TOKEN_FILE":
		default:
			out = append(out, kv)
		}
	}
	return out
}

func duplicate(f *os.File) (*os.File, error) {
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return nil, fmt.Errorf("keep the socket: %w", err)
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), f.Name()), nil
}
