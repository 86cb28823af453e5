package supervisor

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"understudy.dev/backend/internal/config"
	"understudy.dev/service/env"
)

// environmentOf looks into what a service is started with: as for a process,
// the last entry of a name counts.
func environmentOf(t *testing.T, service string, o Options) func(name string) (string, bool) {
	t.Helper()
	for _, sp := range specs(o, State{}, keys{admin: "a", service: "s"}, "127.0.0.1:6379", sockets{}) {
		if sp.name == service {
			all := map[string]string{}
			for _, kv := range sp.env {
				name, value, _ := strings.Cut(kv, "=")
				all[name] = value
			}
			return func(name string) (string, bool) { v, ok := all[name]; return v, ok }
		}
	}
	t.Fatalf("there is no %s", service)
	return nil
}

func TestTheAgentIsFoundInAFolderWithBlanks(t *testing.T) {
	home := "/home/a user's/under study"
	t.Setenv("UNDERSTUDY_PYTHON", "")
	t.Setenv("AGENT_COMMAND", "")
	words := env.New(environmentOf(t, "trainer", Options{Home: home})).Command("AGENT_COMMAND")
	if want := []string{filepath.Join(home, ".cache", "python", "bin", "python"), "-m", "understudy_agent"}; !slices.Equal(words, want) {
		t.Errorf("got %q, want %q", words, want)
	}
}

func TestTheTrainerTakesTheUsersSettingsOfTheAgent(t *testing.T) {
	for _, name := range []string{"AGENT_COMMAND", "AGENT_POLL", "AGENT_SILENCE", "AGENT_STALL", "AGENT_GRACE", "AGENT_DEVICE", "AGENT_LORA_CONVERTER",
		"AGENT_URL", "AGENT_TOKEN", "AGENT_IMAGE", "CUDA_VISIBLE_DEVICES", "RUNPOD_GPUS"} {
		t.Setenv(name, "the user's")
		if got, _ := environmentOf(t, "trainer", Options{})(name); got != "the user's" {
			t.Errorf("%s is %q", name, got)
		}
		if got, ok := environmentOf(t, "evaluator", Options{})(name); ok {
			t.Errorf("the evaluator knows %s=%q", name, got)
		}
	}
	for _, name := range []string{"AGENT_DIR", "AGENT_DEADLINE", "AGENT_TERMINATE_URL", "OPENAI_API_KEY"} {
		t.Setenv(name, "not its")
		if got, ok := environmentOf(t, "trainer", Options{})(name); ok {
			t.Errorf("the trainer knows %s=%q", name, got)
		}
	}
}

func TestTheBackendUsesTheDatabaseOfItsDataDirectoryOnly(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DATABASE_URL", "postgres://another:secret@application/production")
	for _, name := range []string{"DATABASE_URL_FILE", "REDIS_URL_FILE", "UNDERSTUDY_ADMIN_KEY_FILE", "UNDERSTUDY_SERVICE_TOKEN_FILE"} {
		t.Setenv(name, "/another/application's")
	}
	t.Setenv("OPENAI_API_KEY", "sk-mine")
	c, err := config.Read(environmentOf(t, "backend", Options{DataDir: dir}))
	if err != nil {
		t.Fatal(err)
	}
	if want := "sqlite:" + filepath.Join(dir, "understudy.db"); c.DatabaseURL != want {
		t.Errorf("the database is %q, want %q", c.DatabaseURL, want)
	}
	if c.RedisURL != "redis://127.0.0.1:6379" || c.AdminKey.Reveal() != "a" || c.ServiceToken.Reveal() != "s" {
		t.Errorf("Redis at %q, keys %q and %q", c.RedisURL, c.AdminKey.Reveal(), c.ServiceToken.Reveal())
	}
	if len(c.Upstreams) == 0 || c.Upstreams[0].Key != "sk-mine" {
		t.Error("the user's key of OpenAI does not reach it")
	}
}
