package queue

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"understudy.dev/service/child"
)

// each runs a test on the in-process Redis, and on a real one where there is a
// redis-server on the PATH.
func each(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("in-process Redis", func(t *testing.T) {
		test(t, "redis://"+miniredis.RunT(t).Addr())
	})
	t.Run("redis-server", func(t *testing.T) {
		path, err := exec.LookPath("redis-server")
		if err != nil {
			t.Skip("redis-server is not on the PATH")
		}
		test(t, realRedis(t, path))
	})
}

func realRedis(t *testing.T, path string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	p, err := child.Start(child.Spec{Path: path, Dir: dir, Env: os.Environ(), Stdout: w,
		Args: []string{"--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--save", "", "--dir", dir}})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { p.Stop(10 * time.Second) })
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "eady to accept connections") {
			return fmt.Sprintf("redis://127.0.0.1:%d/0", port)
		}
	}
	t.Fatal("redis-server ended")
	return ""
}

func open(t *testing.T, url string) *Queue {
	t.Helper()
	q, err := Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

func TestTheLeaderHearsWakeUpsInTheirOrder(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		q := open(t, url)
		ctx, stop := context.WithCancel(t.Context())
		must(t, q.Wake(ctx, "before anybody listened"))
		wakes := q.Wakes(ctx)
		must(t, q.Wake(ctx, "a"))
		must(t, q.Wake(ctx, "b"))
		if a, b := <-wakes, <-wakes; a != "a" || b != "b" {
			t.Errorf("heard %q, %q", a, b)
		}
		stop()
		for range wakes {
			t.Error("one more")
		}
	})
}

func TestEveryReplicaHearsOfChanges(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		one, two := open(t, url).Changes(t.Context()), open(t, url).Changes(t.Context())
		// The first is the subscription's own.
		<-one
		<-two
		must(t, open(t, url).Changed(t.Context()))
		<-one
		<-two
	})
}

func TestTheSpoolKeepsWhatIsNotStored(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		q := open(t, url)
		var records [][]byte
		for i := range 450 {
			records = append(records, []byte(fmt.Sprintf("record %d \x00\xff", i)))
		}
		must(t, q.Spool(t.Context(), records))
		var got [][]byte
		broken := fmt.Errorf("the database is away")
		err := q.DrainSpool(t.Context(), func(r [][]byte) error {
			if len(got) == 200 {
				return broken
			}
			got = append(got, r...)
			return nil
		})
		if err != broken || len(got) != 200 {
			t.Fatalf("stored %d, %v", len(got), err)
		}
		must(t, q.DrainSpool(t.Context(), func(r [][]byte) error { got = append(got, r...); return nil }))
		if !slices.EqualFunc(got, records, func(a, b []byte) bool { return string(a) == string(b) }) {
			t.Errorf("%d records came back", len(got))
		}
	})
}

// In a cluster Redis is bounded: what it has taken must still come out.
func TestAFullRedisRefusesAndStillGivesBack(t *testing.T) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not on the PATH")
	}
	q := open(t, realRedis(t, path))
	must(t, q.Spool(t.Context(), [][]byte{[]byte("taken")}))
	must(t, q.redis.ConfigSet(t.Context(), "maxmemory", "1").Err())
	if err := q.Spool(t.Context(), [][]byte{[]byte("too much")}); err == nil {
		t.Error("a full Redis took a record")
	}
	var got []string
	must(t, q.DrainSpool(t.Context(), func(records [][]byte) error {
		for _, r := range records {
			got = append(got, string(r))
		}
		return nil
	}))
	if !slices.Equal(got, []string{"taken"}) {
		t.Errorf("%q came back", got)
	}
}

func TestTheSnapshotIsKept(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		q := open(t, url)
		if b, err := q.LoadSnapshot(t.Context()); b != nil || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		must(t, q.SaveSnapshot(t.Context(), []byte("{}")))
		if b, err := q.LoadSnapshot(t.Context()); string(b) != "{}" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	})
}

func TestRedisComesBack(t *testing.T) {
	server := miniredis.NewMiniRedis()
	must(t, server.Start())
	addr := server.Addr()
	q := open(t, "redis://"+addr)
	changes := q.Changes(t.Context())
	<-changes
	server.Close()
	if err := q.Wake(t.Context(), "lost"); err == nil {
		t.Error("a wake-up without Redis should fail")
	}
	server = miniredis.NewMiniRedis()
	must(t, server.StartAddr(addr))
	defer server.Close()
	<-changes // the reconnection tells by itself
	wakes := q.Wakes(t.Context())
	must(t, q.Wake(t.Context(), "again"))
	if got := <-wakes; got != "again" {
		t.Errorf("heard %q", got)
	}
}

func TestAPasswordStaysOutOfTheError(t *testing.T) {
	if _, err := Open("http://:secret@h"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
