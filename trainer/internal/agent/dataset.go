package agent

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
)

// PartLimit is the most bytes of a data set that an agent takes in one request.
const PartLimit = 32 << 20

// partSize is what we send in one: a slow uplink carries it within longCall.
const partSize = 4 << 20

// Upload hands a data set over in parts, beginning at from. It returns how many
// bytes the agent has, also beside an error.
func (c *Client) Upload(ctx context.Context, job, path string, from int64) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return from, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return from, err
	}
	have, total := from, info.Size()
	part := make([]byte, min(partSize, max(total-have, 0)))
	for have < total {
		n, err := f.ReadAt(part[:min(partSize, total-have)], have)
		if err != nil && err != io.EOF {
			return have, fmt.Errorf("read the data set: %w", err)
		}
		var got struct {
			Received int64 `json:"received"`
			Total    int64 `json:"total"`
		}
		header := http.Header{
			"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", have, have+int64(n)-1, total)},
			"Content-Type":  {"application/octet-stream"},
		}
		err = uploadPoint.Around(func() error {
			return c.call(ctx, longCall, http.MethodPut, "/v1/dataset?job="+url.QueryEscape(job), header, part[:n], &got)
		})
		if err != nil {
			return have, fmt.Errorf("hand the data set over: %w", err)
		}
		if got.Received <= have || got.Received > total {
			return have, fmt.Errorf("hand the data set over: the agent says that it has %d bytes of %d after byte %d was sent", got.Received, total, have+int64(n))
		}
		have = got.Received
	}
	return have, nil
}
