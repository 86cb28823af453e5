// Command manifests writes the rendered platform chart to kustomize/platform,
// see `make manifests`. Run it in a folder of the repository.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"understudy.dev/ci/charts"
)

func main() { os.Exit(run(os.Stdout, os.Stderr)) }

func run(stdout, stderr io.Writer) int {
	if err := write(stdout); err != nil {
		fmt.Fprintln(stderr, "manifests:", err)
		return 1
	}
	return 0
}

func write(stdout io.Writer) error {
	root, err := root()
	if err != nil {
		return err
	}
	files, err := charts.PlatformManifests(root)
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(root, "kustomize/platform/base/*.yaml"))
	if err != nil {
		return err
	}
	for _, path := range old {
		name, _ := filepath.Rel(root, path)
		if _, ok := files[name]; !ok && !charts.ByHand(filepath.Base(path)) {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "%d files of kustomize/platform written\n", len(files))
	return nil
}

// root is the folder above the working directory that has the chart.
func root() (string, error) {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, charts.PlatformChart, "Chart.yaml")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no folder above has %s", charts.PlatformChart)
		}
	}
	return "", err
}
