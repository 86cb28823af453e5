package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/client"
	"understudy.dev/backend/internal/cluster"
	"understudy.dev/backend/internal/config"
	"understudy.dev/backend/internal/release"
	"understudy.dev/backend/internal/supervisor"
)

// app is what every command shares.
type app struct {
	out     io.Writer
	err     io.Writer
	dataDir string
	url     string
	format  string // table or json
	kube    kube
}

// kube says which platform in a cluster is meant.
type kube struct {
	wanted                     bool
	context, namespace, secret string
}

// pluginName is how kubectl calls this program.
const pluginName = "kubectl-understudy"

// newRoot's program is how this program was called: as kubectl's plugin it
// speaks to the platform of the current context.
func newRoot(program string, stdout, stderr io.Writer) *cobra.Command {
	a := &app{out: stdout, err: stderr}
	use := "understudy"
	if plugin := strings.TrimSuffix(filepath.Base(program), ".exe") == pluginName; plugin {
		a.kube.wanted, use = true, pluginName
	}
	root := &cobra.Command{
		Use:           use,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: strings.Replace(use, "-", " ", 1)},
		Short:         "Trains a small model to stand in for the large one you pay for",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	flags := root.PersistentFlags()
	flags.StringVar(&a.dataDir, "data-dir", envOr("UNDERSTUDY_DATA_DIR", config.DefaultDataDir()), "where local mode keeps its data")
	flags.StringVar(&a.url, "url", os.Getenv("UNDERSTUDY_URL"), "the backend's base URL (default: the platform of --data-dir)")
	flags.StringVarP(&a.format, "output", "o", "table", "table or json")
	flags.BoolVar(&a.kube.wanted, "kube", a.kube.wanted, "speak to the platform in the cluster of the kubeconfig's context (how `kubectl understudy` begins)")
	flags.StringVar(&a.kube.context, "context", "", "the kubeconfig's context (default: the current one)")
	flags.StringVarP(&a.kube.namespace, "namespace", "n", "", "the platform's namespace (default: the context's, else understudy)")
	flags.StringVar(&a.kube.secret, "keys-secret", "understudy-keys", "the Secret with the admin key")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if a.format != "table" && a.format != "json" {
			return fmt.Errorf("--output %s: use table or json", a.format)
		}
		dir, err := filepath.Abs(a.dataDir)
		a.dataDir = dir
		return err
	}
	root.AddCommand(
		a.upCommand(), a.runCommand(), a.askCommand(), a.endpointsCommand(), a.modelsCommand(), a.pairsCommand(),
		a.keysCommand(), a.statusCommand(), a.monitorCommand(), a.savingsCommand(), a.eventsCommand(), a.evaluationsCommand(), a.upstreamsCommand(), a.basesCommand(), a.bypassCommand(), a.configCommand(), a.versionCommand(), a.serveCommand(), a.replayCommand(), a.clusterCommand(),
	)
	return root
}

// api returns a client for --url, or for the platform that runs with
// --data-dir, with the admin key of the environment or of the data directory.
func (a *app) api(ctx context.Context) (*client.Client, error) {
	url := a.url
	if url == "" && a.kube.wanted {
		return a.inCluster(ctx)
	}
	if url == "" {
		state, err := supervisor.LoadState(a.dataDir)
		if err != nil {
			return nil, fmt.Errorf("no platform is known in %s: start one with `understudy up`, or name one with --url", a.dataDir)
		}
		url = state.Backend
	}
	key := os.Getenv("UNDERSTUDY_ADMIN_KEY")
	if file := os.Getenv("UNDERSTUDY_ADMIN_KEY_FILE"); key == "" && file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		key = strings.TrimSpace(string(b))
	}
	if key == "" {
		key = a.secret(supervisor.AdminKeyFile)
	}
	if key == "" {
		return nil, fmt.Errorf("there is no admin key in %s: set UNDERSTUDY_ADMIN_KEY", a.dataDir)
	}
	return client.New(url, key), nil
}

// inCluster returns a client for the platform in a cluster; the way there lasts
// as long as ctx.
func (a *app) inCluster(ctx context.Context) (*client.Client, error) {
	config, namespace, err := cluster.Context(a.kube.context)
	if err != nil {
		return nil, err
	}
	url, key, err := cluster.Reach(ctx, config, cmp.Or(a.kube.namespace, namespace, release.Namespace), a.kube.secret)
	if err != nil {
		return nil, err
	}
	return client.New(url, key), nil
}

// secret reads a key file of the data directory; "" where there is none.
func (a *app) secret(name string) string {
	b, err := os.ReadFile(filepath.Join(a.dataDir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func envOr(name, def string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return def
}

// home is the folder that holds bin/ with this executable.
func home() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return "", err
	}
	return filepath.Dir(filepath.Dir(self)), nil
}
