// Package fetch downloads a file whose sha256 is known: resumed where it was
// broken off, verified, and only then given its name.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"golang.org/x/time/rate"
)

// ErrChecksum means that all bytes came and are not the file asked for; the
// partial file is removed, so that the next try starts anew.
var ErrChecksum = errors.New("the sha256 does not match")

// StatusError is an answer that is no file.
type StatusError struct {
	Code int
	Text string // the first part of the body
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Code, e.Text) }

// Request says what to fetch and where to put it.
type Request struct {
	URL    string
	Header http.Header
	Path   string // the final path; Path+".part" holds what has come so far
	SHA256 string // hex
	Client *http.Client
	// Progress hears of every byte, also of those of the partial file, which are
	// read first; total is -1 when unknown. It may be nil.
	Progress func(have, total int64)
	Limit    *rate.Limiter // bytes a second, shared by all that have it; nil = none
}

// File makes one try. A file that is already at Path with the right sum is
// left alone. After an error with bytes received, call it again: it goes on
// where it was.
func File(ctx context.Context, q Request) error {
	if sum, err := Sum(q.Path); err == nil && sum == q.SHA256 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(q.Path), 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	part, err := os.OpenFile(q.Path+".part", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("open the partial file: %w", err)
	}
	defer part.Close()
	sum := sha256.New()
	old := io.Reader(part)
	if q.Progress != nil {
		old = &counted{part, 0, -1, q.Progress}
	}
	have, err := io.Copy(sum, old)
	if err != nil {
		return fmt.Errorf("read the partial file: %w", err)
	}
	if err := download(ctx, q, part, sum, have); err != nil {
		return fmt.Errorf("fetch %s: %w", filepath.Base(q.Path), err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != q.SHA256 {
		_ = os.Remove(part.Name())
		return fmt.Errorf("fetch %s: %w: want %s, got %s", filepath.Base(q.Path), ErrChecksum, q.SHA256, got)
	}
	if err := part.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", q.Path, err)
	}
	return os.Rename(part.Name(), q.Path)
}

func download(ctx context.Context, q Request, part *os.File, sum hash.Hash, have int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, q.URL, nil)
	if err != nil {
		return err
	}
	if q.Header != nil {
		req.Header = q.Header.Clone()
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	client := q.Client
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return withoutQuery(err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0:
		return nil // everything is here; the sum decides
	case res.StatusCode == http.StatusOK && have > 0:
		// The server ignores ranges: begin again.
		if _, err := part.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := part.Truncate(0); err != nil {
			return err
		}
		sum.Reset()
		have = 0
	case res.StatusCode != http.StatusOK && res.StatusCode != http.StatusPartialContent:
		text, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		return &StatusError{Code: res.StatusCode, Text: string(text)}
	}
	total := int64(-1)
	if res.ContentLength >= 0 {
		total = have + res.ContentLength
	}
	body := io.Reader(res.Body)
	if q.Progress != nil {
		body = &counted{body, have, total, q.Progress}
	}
	if q.Limit != nil {
		body = &limited{ctx, body, q.Limit}
	}
	_, err = io.Copy(io.MultiWriter(part, sum), body)
	return err
}

// withoutQuery takes the query off the address in an error of net/http: the
// address may be that of a redirection, and is then signed.
func withoutQuery(err error) error {
	var failed *url.Error
	if !errors.As(err, &failed) {
		return err
	}
	u, bad := url.Parse(failed.URL)
	if bad != nil {
		return failed.Err
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return &url.Error{Op: failed.Op, URL: u.String(), Err: failed.Err}
}

type counted struct {
	io.Reader
	have, total int64
	tell        func(have, total int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.have += int64(n)
	c.tell(c.have, c.total)
	return n, err
}

// Sum returns the sha256 of a file in hex.
func Sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
