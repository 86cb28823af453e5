// Package fakepod is the container of tests: a small program that a test
// binary becomes when FAKEPOD is set. It understands MODE, LISTEN_ADDR and the
// FAKEPOD_ variables below; with a MODEL_ALIAS that begins with crashes- it
// crashes, which a release can be told without a variable of its own.
package fakepod

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"

	"understudy.dev/service/child"
)

// MaybeRun must be the first call in TestMain. It does not return where this
// process was started as a container.
func MaybeRun() {
	if os.Getenv("FAKEPOD") == "" {
		return
	}
	child.DieWithParent(nil)
	alias := os.Getenv("MODEL_ALIAS")
	message := os.Getenv("FAKEPOD_CRASH") // ends at once, with this as its last line
	if strings.HasPrefix(alias, "crashes-") {
		message = alias + " crashes"
	}
	if message != "" {
		fmt.Println("starting")
		fmt.Fprintln(os.Stderr, message)
		os.Exit(3)
	}
	if os.Getenv("MODE") == "batch" {
		os.Exit(batch())
	}
	serve()
}

// batch fails as often as FAKEPOD_FAILURES says, counting in FAKEPOD_STATE,
// and waits for ever where FAKEPOD_HANG is set.
func batch() int {
	if os.Getenv("FAKEPOD_HANG") != "" {
		select {}
	}
	tries, _ := os.ReadFile(os.Getenv("FAKEPOD_STATE"))
	fmt.Printf("try %d\n", len(tries)+1)
	if len(tries) < len(os.Getenv("FAKEPOD_FAILURES")) {
		_ = os.WriteFile(os.Getenv("FAKEPOD_STATE"), append(tries, 'x'), 0o600)
		fmt.Fprintln(os.Stderr, "no prompts to be had")
		return 4
	}
	return 0
}

// serve answers /healthz, /readyz and /env, and does what /unready, /unhealthy
// and /exit say. FAKEPOD_NEVER_READY and FAKEPOD_STUBBORN (ignores SIGTERM)
// make it difficult.
func serve() {
	var unready, unhealthy atomic.Bool
	unready.Store(os.Getenv("FAKEPOD_NEVER_READY") != "")
	status := func(bad *atomic.Bool, say string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if bad.Load() {
				http.Error(w, say, http.StatusServiceUnavailable)
			}
		}
	}
	http.HandleFunc("/healthz", status(&unhealthy, "not healthy"))
	http.HandleFunc("/readyz", status(&unready, "the model is loading"))
	http.HandleFunc("/unready", func(http.ResponseWriter, *http.Request) { unready.Store(true) })
	http.HandleFunc("/unhealthy", func(http.ResponseWriter, *http.Request) { unhealthy.Store(true) })
	http.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { fmt.Println("told to exit"); os.Exit(5) })
	http.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) {
		env := map[string]string{"ARGS": strings.Join(os.Args[1:], " ")}
		for _, kv := range os.Environ() {
			k, v, _ := strings.Cut(kv, "=")
			env[k] = v
		}
		_ = json.NewEncoder(w).Encode(env)
	})
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		for range term {
			if os.Getenv("FAKEPOD_STUBBORN") == "" {
				os.Exit(0)
			}
		}
	}()
	fmt.Println(http.ListenAndServe(os.Getenv("LISTEN_ADDR"), nil))
	os.Exit(1)
}
