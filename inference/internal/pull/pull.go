// Package pull brings a model's files into a folder: the base weights, the
// adapter and the manifest's chat template. Files are named by their sha256
// and get that name only once verified, so a file that has it is never read
// or fetched again, and several processes may share the folder.
package pull

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"understudy.dev/service/fetch"
)

// Spec says which files a model needs. An empty AdapterSHA256 means the bare
// base, an empty ManifestSHA256 the chat template inside the base.
type Spec struct {
	Dir            string
	BaseFile       string // weights already on disk; else BaseURL and BaseSHA256
	BaseURL        string
	BaseSHA256     string
	AdapterSHA256  string
	ManifestSHA256 string
	TrainerURL     string
	Token          func() (string, error) // bearer token for the trainer; may be nil
	Idle           time.Duration          // a download without a byte for so long begins anew; 0 means one minute
	Log            *slog.Logger
}

// Files are paths on disk; Adapter and Template may be empty.
type Files struct{ Base, Adapter, Template string }

// Pull returns when every file is there. It repeats what the network broke
// until ctx ends, and gives up at once where repeating cannot help: a refusal,
// a full disk, a wrong sha256 twice in a row.
func Pull(ctx context.Context, s Spec) (Files, error) {
	var f Files
	var err error
	if s.ManifestSHA256 != "" {
		path, err := s.artifact(ctx, s.ManifestSHA256, ".json")
		if err != nil {
			return f, fmt.Errorf("pull the manifest: %w", err)
		}
		if f.Template, err = template(path); err != nil {
			return f, fmt.Errorf("read the manifest: %w", err)
		}
	}
	if s.AdapterSHA256 != "" {
		if f.Adapter, err = s.artifact(ctx, s.AdapterSHA256, ".gguf"); err != nil {
			return f, fmt.Errorf("pull the adapter: %w", err)
		}
	}
	if f.Base, err = s.base(ctx); err != nil {
		return f, fmt.Errorf("get the base weights: %w", err)
	}
	return f, nil
}

func (s Spec) base(ctx context.Context) (string, error) {
	if s.BaseFile == "" {
		return s.get(ctx, s.BaseURL, nil, s.BaseSHA256, ".gguf")
	}
	if info, err := os.Stat(s.BaseFile); err != nil {
		return "", err
	} else if info.IsDir() {
		return "", fmt.Errorf("BASE_FILE %s is a folder; name the .gguf file in it", s.BaseFile)
	}
	return s.BaseFile, nil
}

func (s Spec) artifact(ctx context.Context, sum, ext string) (string, error) {
	return s.get(ctx, s.TrainerURL+"/v1/artifacts/"+sum, s.Token, sum, ext)
}

// get returns the path of the file with this sum, fetched unless it is there.
func (s Spec) get(ctx context.Context, url string, token func() (string, error), sum, ext string) (string, error) {
	path := filepath.Join(s.Dir, sum+ext)
	if present(path) {
		return path, nil
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return "", fmt.Errorf("make MODEL_DIR: %w", err)
	}
	unlock, err := lock(ctx, path+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	wrong := 0
	pause := &backoff.ExponentialBackOff{InitialInterval: 200 * time.Millisecond, Multiplier: 2, MaxInterval: 10 * time.Second, RandomizationFactor: 0.2}
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		if present(path) { // another process brought it while we waited for the lock
			return struct{}{}, nil
		}
		err := s.try(ctx, url, token, path, sum)
		if errors.Is(err, fetch.ErrChecksum) {
			wrong++
		}
		if err != nil && (wrong > 1 || hopeless(err)) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, next time.Duration) {
		s.Log.Warn("pull goes on after a pause", "file", filepath.Base(path), "error", err, "pause", next)
	}))
	return path, err
}

// try is one attempt, ended when no byte comes for s.Idle.
func (s Spec) try(ctx context.Context, url string, token func() (string, error), path, sum string) error {
	idle := s.Idle
	if idle <= 0 {
		idle = time.Minute
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	alarm := time.AfterFunc(idle, func() { cancel(fmt.Errorf("no byte came for %s", idle)) })
	defer alarm.Stop()
	header := http.Header{}
	if token != nil {
		t, err := token()
		if err != nil {
			return err
		}
		if t != "" {
			header.Set("Authorization", "Bearer "+t)
		}
	}
	err := fetch.File(ctx, fetch.Request{URL: url, Header: header, Path: path, SHA256: sum, Client: client,
		Progress: func(int64, int64) { alarm.Reset(idle) }})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w (%w)", err, context.Cause(ctx))
	}
	return err
}

var client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true, TLSHandshakeTimeout: 10 * time.Second}}

// hopeless tells errors that a repetition would only repeat.
func hopeless(err error) bool {
	var status *fetch.StatusError
	if errors.As(err, &status) {
		again := status.Code >= 500 || status.Code == http.StatusTooManyRequests || status.Code == http.StatusRequestTimeout
		return !again
	}
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, os.ErrPermission} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func present(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
