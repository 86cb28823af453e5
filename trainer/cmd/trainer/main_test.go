package main

import (
	"bytes"
	"net"
	"strings"
	"testing"
)

func TestTheCommandLine(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		status int
		out    string
		err    string
	}{
		"a flag asks for the version":        {[]string{"--version"}, 0, "understudy-trainer dev", ""},
		"a word asks for the version":        {[]string{"version"}, 0, "understudy-trainer dev", ""},
		"help is given":                      {[]string{"--help"}, 0, "", "UNDERSTUDY_DATA_DIR"},
		"an unknown flag is told":            {[]string{"--nope"}, 2, "", "nope"},
		"an unknown word is told":            {[]string{"dance"}, 2, "", `"dance" is no command`},
		"missing configuration is all named": {nil, 2, "", "AGENT_COMMAND"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range []string{"UNDERSTUDY_DATA_DIR", "UNDERSTUDY_SERVICE_TOKEN", "AGENT_COMMAND"} {
				t.Setenv(v, "")
			}
			var out, errs bytes.Buffer
			if got := run(c.args, &out, &errs); got != c.status || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.err) {
				t.Errorf("status %d, out %q, err %q", got, &out, &errs)
			}
		})
	}
}

func TestAPortInUseIsNamed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, err = open(config{listen: ln.Addr().String(), dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), ln.Addr().String()) || !strings.Contains(err.Error(), "LISTEN_ADDR") {
		t.Errorf("got %v", err)
	}
}

func TestConfigurationMistakesAreNamed(t *testing.T) {
	good := map[string]string{"UNDERSTUDY_DATA_DIR": "/d", "UNDERSTUDY_SERVICE_TOKEN": "t", "AGENT_COMMAND": "python -m understudy_agent"}
	for name, c := range map[string]struct {
		change map[string]string
		says   string
	}{
		"all is there":               {nil, ""},
		"an unknown provider":        {map[string]string{"TRAINING_PROVIDER": "moon"}, "TRAINING_PROVIDER"},
		"a provider without its key": {map[string]string{"TRAINING_PROVIDER": "runpod", "AGENT_COMMAND": ""}, ""},
		"an open quote":              {map[string]string{"AGENT_COMMAND": `"/a b/python -m agent`}, "AGENT_COMMAND"},
		"no agent for local":         {map[string]string{"AGENT_COMMAND": ""}, "AGENT_COMMAND"},
		"no address for static":      {map[string]string{"TRAINING_PROVIDER": "static"}, "AGENT_URL"},
		"no token for static":        {map[string]string{"TRAINING_PROVIDER": "static", "AGENT_URL": "http://a"}, "AGENT_TOKEN"},
		"an address that is none":    {map[string]string{"AGENT_URL": "a:1"}, "AGENT_URL"},
		"no service token":           {map[string]string{"UNDERSTUDY_SERVICE_TOKEN": ""}, "UNDERSTUDY_SERVICE_TOKEN"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(func(k string) (string, bool) {
				if v, ok := c.change[k]; ok {
					return v, true
				}
				v, ok := good[k]
				return v, ok
			}, []string{"UNDERSTUDY_SERVICE_TOKEN=t", "PATH=/bin"})
			if (err == nil) != (c.says == "") || (err != nil && !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTheAgentGetsNoSecretsOfOurs(t *testing.T) {
	for _, v := range agentEnv([]string{"UNDERSTUDY_SERVICE_TOKEN=t", "OPENAI_API_KEY=k", "PATH=/bin", "HF_TOKEN=h", "LISTEN_FD=3"}) {
		name, _, _ := strings.Cut(v, "=")
		if name != "PATH" && name != "HF_TOKEN" && name != "PYTHONUNBUFFERED" {
			t.Errorf("the agent gets %s", name)
		}
	}
}
