package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"understudy.dev/service/child"
)

type server struct {
	socket string // folder of the Unix socket
	port   int
}

func (s *server) url(database string) string {
	q := url.Values{"host": {s.socket}, "port": {strconv.Itoa(s.port)}, "sslmode": {"disable"}}
	return "postgres://postgres@/" + database + "?" + q.Encode()
}

// start makes a cluster in a temporary folder and runs it under a shell that
// holds this process's pipe: when that breaks, the server ends and its folder
// goes.
func start() (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	credential, err := notRoot()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "pgtest") // short: a socket's path has a limit
	if err != nil {
		return nil, err
	}
	if credential != nil {
		if err := os.Chown(dir, int(credential.Uid), int(credential.Gid)); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: credential}
	if out, err := initdb.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	// SIGQUIT is PostgreSQL's immediate shutdown.
	const script = `trap '' TERM INT; "$0" "$@" & p=$!; read _ <&3; kill -QUIT $p; wait $p; rm -rf "$PGTEST_DIR"`
	var log bytes.Buffer
	p, err := child.Start(child.Spec{
		Path: "/bin/sh",
		Args: []string{"-c", script, filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-p", strconv.Itoa(port),
			"-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off", "-c", "max_connections=200"},
		Env: append(os.Environ(), "PGTEST_DIR="+dir), Dir: dir, Stderr: &log, Credential: credential,
	})
	if err != nil {
		return nil, err
	}
	s := &server{socket: dir, port: port}
	if err := s.await(p, &log); err != nil {
		p.Kill()
		return nil, err
	}
	return s, nil
}

func (s *server) await(p *child.Process, log *bytes.Buffer) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			p.Kill()
			_ = p.Wait()
			return fmt.Errorf("not ready after a minute: %w: %s", err, log)
		}
	}
}

// notRoot returns a user to run as where this process is root, whom
// PostgreSQL refuses.
func notRoot() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

// freePort is part of the socket's name only; nothing listens on TCP.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
