package agent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"understudy.dev/service/fetch"
	"understudy.dev/trainer"
)

// Fetch pulls an artefact to path, from where an earlier try was broken off,
// and gives it that name only when its sha256 is right (else fetch.ErrChecksum).
// A call that is cut goes on as long as every try brings bytes.
func (c *Client) Fetch(ctx context.Context, a trainer.Artifact, path string) error {
	header := http.Header{}
	c.authorize(header)
	for {
		before := size(path + ".part")
		err := artifactPoint.Around(func() error { return c.fetch(ctx, a, path, header) })
		if err == nil || ctx.Err() != nil || errors.Is(err, fetch.ErrChecksum) || size(path+".part") <= before {
			return translate(err)
		}
	}
}

func (c *Client) fetch(ctx context.Context, a trainer.Artifact, path string, header http.Header) error {
	ctx, cancel := context.WithTimeout(ctx, longCall)
	defer cancel()
	tooMuch := false
	err := fetch.File(ctx, fetch.Request{
		URL: c.url + "/v1/artifacts/" + url.PathEscape(a.Name), Header: header, Path: path, SHA256: a.SHA256, Client: c.http, Limit: c.Limit,
		Progress: func(have, _ int64) {
			if have > a.Size {
				tooMuch = true
				cancel()
			}
		},
	})
	if tooMuch {
		_ = os.Remove(path + ".part")
		return fmt.Errorf("%w: more than the %d bytes announced", fetch.ErrChecksum, a.Size)
	}
	return err
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func translate(err error) error {
	var status *fetch.StatusError
	if errors.As(err, &status) {
		return &StatusError{Code: status.Code, Text: reason([]byte(status.Text))}
	}
	return plain(err)
}
