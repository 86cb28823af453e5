// Command fakeagent is a training agent that trains nothing, for tests of
// whatever starts agents; see package fakeagent.
package main

import (
	"os"

	"understudy.dev/trainer/internal/fakeagent"
)

func main() { os.Exit(fakeagent.Main()) }
