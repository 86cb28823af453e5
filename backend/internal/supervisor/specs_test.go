package supervisor

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"understudy.dev/service/env"
)

func TestTheAgentIsFoundInAFolderWithBlanks(t *testing.T) {
	home := "/home/a user's/under study"
	t.Setenv("UNDERSTUDY_PYTHON", "")
	for _, sp := range specs(Options{Home: home}, State{}, keys{}, "", sockets{}) {
		if sp.name != "trainer" {
			continue
		}
		words := env.New(func(name string) (string, bool) {
			i := slices.IndexFunc(sp.env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
			return strings.TrimPrefix(sp.env[i], name+"="), true
		}).Command("AGENT_COMMAND")
		if want := []string{filepath.Join(home, ".cache", "python", "bin", "python"), "-m", "understudy_agent"}; !slices.Equal(words, want) {
			t.Errorf("got %q, want %q", words, want)
		}
		return
	}
	t.Fatal("there is no trainer")
}
