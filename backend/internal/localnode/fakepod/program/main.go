// Command program is the fake pod as a program of its own, for an image that a
// real cluster can run.
package main

import (
	"os"

	"understudy.dev/backend/internal/localnode/fakepod"
)

func main() {
	_ = os.Setenv("FAKEPOD", "1")
	fakepod.MaybeRun()
}
