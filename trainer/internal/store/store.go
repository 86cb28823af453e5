// Package store keeps jobs, artefacts and work folders as files below one
// directory. Every write is atomic, so that a trainer that is killed at any
// moment finds a whole state when it comes back.
package store

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"understudy.dev/service/file"
	"understudy.dev/trainer"
	"understudy.dev/trainer/internal/crash"
	locking "understudy.dev/trainer/internal/lock"
)

// Store is a directory that one process has for itself.
type Store struct {
	dir  string
	lock *os.File
}

// lockPatience is how long a trainer that comes up waits for one that goes.
const lockPatience = 15 * time.Second

// Open makes the directory's folders and takes its lock.
func Open(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"jobs", "artifacts", "work", "logs"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make the store: %w", err)
		}
	}
	lock, err := locking.File(filepath.Join(dir, "lock"), lockPatience)
	if err != nil {
		return nil, fmt.Errorf("another trainer uses the store %s: %w", dir, err)
	}
	return &Store{dir: dir, lock: lock}, nil
}

// InstallID returns the name of this installation, made at random at the first
// call and kept in the store: what is rented is named after it.
func (s *Store) InstallID() (string, error) {
	path := filepath.Join(s.dir, installFile)
	if id, err := ReadInstallID(s.dir); err != nil || id != "" {
		return id, err
	}
	b := make([]byte, 4)
	_, _ = rand.Read(b)
	id := hex.EncodeToString(b)
	if err := installPoint.Around(func() error { return file.Replace(path, []byte(id+"\n"), 0o600) }); err != nil {
		return "", fmt.Errorf("save the installation's name: %w", trainer.Explain(err, s.dir))
	}
	return id, nil
}

const installFile = "install-id"

// ReadInstallID reads the name of the installation whose store dir is, "" where
// there is none yet.
func ReadInstallID(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, installFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the installation's name: %w", err)
	}
	id := strings.TrimSpace(string(b))
	return id, trainer.CheckInstallID(id)
}

// Close gives the lock back.
func (s *Store) Close() error { return s.lock.Close() }

// WorkDir is a job's folder for what is only needed while it runs.
func (s *Store) WorkDir(id string) string { return filepath.Join(s.dir, "work", id) }

// Log is where a job's agent prints to.
func (s *Store) Log(id string) string { return filepath.Join(s.dir, "logs", id+".log") }

// Artifact is where the artefact with this sha256 is, if it is there.
func (s *Store) Artifact(sha256 string) string { return filepath.Join(s.dir, "artifacts", sha256) }

// Has reports whether an artefact is here whole: files get their name only
// after their content was verified.
func (s *Store) Has(a trainer.Artifact) bool {
	info, err := os.Stat(s.Artifact(a.SHA256))
	return err == nil && info.Mode().IsRegular() && info.Size() == a.Size
}

func (s *Store) record(id string) string { return filepath.Join(s.dir, "jobs", id+".json") }

// savePoints tells apart what a record was saved for.
var savePoints = func() map[trainer.State]crash.Point {
	points := map[trainer.State]crash.Point{}
	for _, state := range trainer.States {
		points[state] = crash.At("store.save." + string(state))
	}
	return points
}()

var (
	forgetPoint  = crash.At("store.forget")
	dropPoint    = crash.At("store.drop")
	clearPoint   = crash.At("store.clear-work")
	sweepPoint   = crash.At("store.sweep")
	installPoint = crash.At("store.install-id")
)

// Save writes a record; when it returns nil the record survives a crash.
func (s *Store) Save(r trainer.Record) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode job %s: %w", r.Job.ID, err)
	}
	write := func() error { return file.Replace(s.record(r.Job.ID), b, 0o600) }
	if err := savePoints[r.Job.State].Around(write); err != nil {
		return fmt.Errorf("save job %s: %w", r.Job.ID, trainer.Explain(err, s.dir))
	}
	return nil
}

// Load returns every record. One that cannot be read is reported and left out.
func (s *Store) Load() ([]trainer.Record, error) { return Read(s.dir) }

// Read is Load for a program that only looks: records are written atomically,
// so it may read beside the trainer that has the store.
func Read(dir string) ([]trainer.Record, error) {
	files, err := os.ReadDir(filepath.Join(dir, "jobs"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var all []trainer.Record
	var bad error
	for _, file := range files {
		if strings.HasPrefix(file.Name(), ".") || !strings.HasSuffix(file.Name(), ".json") {
			continue
		}
		f := filepath.Join(dir, "jobs", file.Name())
		var r trainer.Record
		b, err := os.ReadFile(f)
		if err == nil {
			err = json.Unmarshal(b, &r)
		}
		if err == nil && r.Job.ID+".json" != filepath.Base(f) {
			err = fmt.Errorf("it holds the job %q", r.Job.ID)
		}
		if err != nil {
			bad = errors.Join(bad, fmt.Errorf("read %s: %w", f, err))
			continue
		}
		all = append(all, r)
	}
	return all, bad
}

// Forget removes a job's record and its log.
func (s *Store) Forget(id string) error {
	remove := func() error { return os.Remove(s.record(id)) }
	if err := forgetPoint.Around(remove); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove job %s: %w", id, err)
	}
	_ = os.Remove(s.Log(id))
	return nil
}

// ClearWork removes a job's work folder.
func (s *Store) ClearWork(id string) error {
	return clearPoint.Around(func() error { return os.RemoveAll(s.WorkDir(id)) })
}

// Drop removes the files of a forgotten record, but for the artefacts that
// another record names.
func (s *Store) Drop(gone trainer.Record, rest []trainer.Record) {
	dropPoint.Before()
	defer dropPoint.After()
	_ = s.ClearWork(gone.Job.ID)
	held := map[string]bool{}
	for _, r := range rest {
		for _, a := range r.Job.Artifacts {
			held[a.SHA256] = true
		}
	}
	for _, a := range gone.Job.Artifacts {
		if !held[a.SHA256] {
			_ = os.Remove(s.Artifact(a.SHA256))
			_ = os.Remove(s.Artifact(a.SHA256) + ".part")
		}
	}
}

// Sweep removes what a killed trainer left: half-written records, artefacts
// (whole or in part) that no record names, and work folders of jobs that are
// finished or unknown.
func (s *Store) Sweep(records []trainer.Record) {
	artifacts, work := map[string]bool{}, map[string]bool{}
	for _, r := range records {
		for _, a := range r.Job.Artifacts {
			artifacts[a.SHA256] = true
		}
		if !r.Job.State.Finished() || r.Agent.ID != "" {
			work[r.Job.ID] = true
		}
	}
	s.keep("artifacts", func(name string) bool { return artifacts[strings.TrimSuffix(name, ".part")] })
	s.keep("jobs", func(name string) bool { return !strings.HasPrefix(name, ".") }) // half-written records
	s.keep("work", func(name string) bool { return work[name] })
}

func (s *Store) keep(folder string, wanted func(name string) bool) {
	entries, err := os.ReadDir(filepath.Join(s.dir, folder))
	if err != nil {
		slog.Warn("cannot sweep the store", "folder", folder, "error", err)
		return
	}
	for _, e := range entries {
		if wanted(e.Name()) {
			continue
		}
		remove := func() error { return os.RemoveAll(filepath.Join(s.dir, folder, e.Name())) }
		if err := sweepPoint.Around(remove); err != nil {
			slog.Warn("cannot remove a left-over file", "file", e.Name(), "error", err)
		}
	}
}
