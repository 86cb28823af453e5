package release

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/time"

	understudy "understudy.dev/backend"
)

// maxRecord bounds what a record may unpack to.
const maxRecord = 16 << 20

// decodeRecord reads a stored release. One without what Helm takes for granted
// counts as unreadable: Helm would panic over it.
func decodeRecord(row understudy.ReleaseRecord) (*release.Release, error) {
	packed, err := base64.StdEncoding.DecodeString(row.Body)
	if err != nil {
		return nil, fmt.Errorf("release record %s: %w", row.Key, err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("release record %s: %w", row.Key, err)
	}
	b, err := io.ReadAll(io.LimitReader(zip, maxRecord))
	if err != nil {
		return nil, fmt.Errorf("release record %s: %w", row.Key, err)
	}
	rel := &release.Release{}
	if err := json.Unmarshal(b, rel); err != nil {
		return nil, fmt.Errorf("release record %s: %w", row.Key, err)
	}
	if rel.Info == nil || rel.Chart == nil || rel.Chart.Metadata == nil || rel.Name != row.Name || rel.Version != row.Version {
		return nil, fmt.Errorf("release record %s: %w", row.Key, errors.New("it is not whole"))
	}
	// Labels are no part of the release's JSON.
	rel.Labels = row.Labels
	return rel, nil
}

// stub is what is known of a release whose body cannot be read.
func stub(row understudy.ReleaseRecord) *release.Release {
	return &release.Release{Name: row.Name, Namespace: row.Namespace, Version: row.Version, Labels: row.Labels,
		Info: &release.Info{Status: release.StatusUnknown, LastDeployed: time.Time{Time: row.ModifiedAt}}}
}
