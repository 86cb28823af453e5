// Command bench runs bench.py on what make native and make setup have left, from
// the folder evaluator. PYTHON names another interpreter.
package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

func main() { os.Exit(run()) }

func run() int {
	cache, err := os.UserCacheDir()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	model := cmp.Or(os.Getenv("MODEL_DIR"), filepath.Join(cache, "understudy", "models", "all-MiniLM-L6-v2"))
	published := cmp.Or(os.Getenv("MINILM_DIR"), filepath.Join(model, "source"))
	python, program := cmp.Or(os.Getenv("PYTHON"), "../.cache/python/bin/python"), "../bin/understudy-evaluator-ort"
	for path, made := range map[string]string{program: "make native", python: "make setup", published: "make setup", filepath.Join(model, "model.onnx"): "make setup"} {
		if _, err := os.Stat(path); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s is missing; run %s\n", path, made)
			return 1
		}
	}
	cmd := exec.Command(python, "bench/bench.py", program, "../bin", model, published)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}
