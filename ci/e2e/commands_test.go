package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestCommands runs the commands of the platform's first description, as they
// are written there.
func TestCommands(t *testing.T) {
	w := install(t)
	w.deployed(t, "tiny", nil)
	for _, c := range []struct{ line, want string }{
		{"kubectl logs -n understudy -l app=backend", "level=INFO"},
		{"kubectl logs -n understudy -l app=frontend", ""},
		{"kubectl logs -n understudy deployment/training-service", "level=INFO"},
		{"kubectl exec -n understudy deployment/backend -- /bin/bash -c 'understudy config'", "kubernetes"},
		{"echo 'understudy models; exit' | kubectl exec -i -n understudy deployment/backend -- /bin/bash", "tiny-v1"},
		{"kubectl get deployments -n understudy -l app=slm-inference", "slm-tiny-v1 1/1"},
		{"kubectl get statefulset postgres -n understudy", "postgres 1/1"},
		{"kubectl logs postgres-0 -n understudy", "ready to accept connections"},
		{"kubectl get pvc -n understudy", "postgres-data Bound"},
		{"kubectl get pods -n understudy", "postgres-0 1/1 Running"},
		{"kubectl describe pod postgres-0 -n understudy", "Namespace: understudy"},
		{"kubectl get events -n understudy --sort-by='.lastTimestamp'", "Started"},
		{"kubectl scale deployment backend -n understudy --replicas=3", "deployment.apps/backend scaled"},
		{"kubectl rollout status deployment backend -n understudy --timeout=120s", "successfully rolled out"},
		{"kubectl scale deployment backend -n understudy --replicas=2", "deployment.apps/backend scaled"},
		{"kubectl rollout restart deployment backend -n understudy", "deployment.apps/backend restarted"},
		{"kubectl rollout status deployment backend -n understudy --timeout=120s", "successfully rolled out"},
		{"kubectl cluster-info", "is running at"},
		// The program itself, from outside, and as kubectl's plugin.
		{"PATH=$PWD/bin:$PATH kubectl understudy models", "tiny-v1"},
		{"bin/understudy --kube monitor --once", "postgres-data Bound"},
	} {
		out := command(t, "bash", "-c", c.line)
		if !strings.Contains(folded(out), c.want) {
			t.Errorf("%s: there is no %q in\n%s", c.line, c.want, out)
		}
	}

	// Port forwards of every Service, and what is reached through them.
	get := func(path string) func(string) error {
		return func(address string) error {
			res, err := http.Get("http://" + address + path)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("GET %s: %s", path, res.Status)
			}
			return nil
		}
	}
	password := w.secret(t, "understudy-postgres", "POSTGRES_PASSWORD")
	reached := []string{}
	for _, f := range []struct {
		what, target string
		port         int
		try          func(address string) error
	}{
		{"the API", "service/backend-service", 8000, get("/readyz")},
		{"its documentation", "service/backend-service", 8000, get("/docs")},
		{"the dashboard", "service/frontend-service", 3000, get("/")},
		{"PostgreSQL", "service/postgres", 5432, psql(t, password)},
		{"PostgreSQL's pod", "postgres-0", 5432, psql(t, password)},
		{"Redis", "service/redis", 6379, ping},
	} {
		stop := portForward(t, f.target, f.port)
		if err := f.try(fmt.Sprintf("localhost:%d", f.port)); err != nil {
			t.Errorf("%s through %s: %v", f.what, f.target, err)
		}
		stop()
		reached = append(reached, f.what)
	}
	result(t, "logs, exec, scale, rollout, get, describe, events as written; through port-forward: %s", strings.Join(reached, ", "))
}

// folded has one blank where there were several.
func folded(s string) string { return regexp.MustCompile(`[ \t]+`).ReplaceAllString(s, " ") }

// portForward forwards a port to this machine until the returned function is
// called.
func portForward(t *testing.T, target string, port int) func() {
	t.Helper()
	cmd := exec.Command("kubectl", "port-forward", "-n", namespace, target, fmt.Sprintf("%d:%d", port, port))
	out, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.Contains(line, "Forwarding from") {
		t.Fatalf("kubectl port-forward %s: %q, %v", target, line, err)
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// psql logs in as the description says: user and database understudy.
func psql(t *testing.T, password string) func(string) error {
	return func(address string) error {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return err
		}
		program, err := exec.LookPath("psql")
		if err != nil { // Debian has it beside the server
			found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
			if len(found) == 0 {
				return fmt.Errorf("psql is not on this machine: apt-get install postgresql-client")
			}
			program = found[0]
		}
		cmd := exec.CommandContext(t.Context(), program, "-h", host, "-p", port, "-U", "understudy", "-d", "understudy", "-tAc", "SELECT name FROM endpoints")
		cmd.Env = append(os.Environ(), "PGPASSWORD="+password)
		out, err := cmd.CombinedOutput()
		if err != nil || !slices.Contains(strings.Fields(string(out)), "tiny") {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
}

func ping(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && answer != "+PONG\r\n" {
		err = fmt.Errorf("answered %q", answer)
	}
	return err
}
