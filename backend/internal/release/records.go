package release

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"

	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"

	understudy "understudy.dev/backend"
)

// Records keeps Helm's own records, one for each revision of a release.
type Records interface {
	// CreateRelease fails with Conflict where the key is there: Helm's lock.
	CreateRelease(ctx context.Context, r understudy.ReleaseRecord) error
	PutRelease(ctx context.Context, r understudy.ReleaseRecord) error
	// GetRelease and DeleteRelease fail with NotFound.
	GetRelease(ctx context.Context, key string) (understudy.ReleaseRecord, error)
	DeleteRelease(ctx context.Context, key string) error
	ListReleases(ctx context.Context, namespace string) ([]understudy.ReleaseRecord, error)
}

// records is Helm's storage driver over Records.
type records struct {
	ctx       context.Context
	to        Records
	namespace string
	log       *slog.Logger
}

var _ driver.Driver = records{}

const owner = "helm"

func (d records) Name() string { return "Records" }

func (d records) Create(key string, rel *release.Release) error {
	row, err := d.encode(key, rel)
	if err != nil {
		return err
	}
	err = d.to.CreateRelease(d.ctx, row)
	if understudy.CodeOf(err) == understudy.Conflict {
		return driver.ErrReleaseExists
	}
	return err
}

func (d records) Update(key string, rel *release.Release) error {
	if _, err := d.row(key); err != nil {
		return err
	}
	row, err := d.encode(key, rel)
	if err != nil {
		return err
	}
	return d.to.PutRelease(d.ctx, row)
}

func (d records) Delete(key string) (*release.Release, error) {
	row, err := d.row(key)
	if err != nil {
		return nil, err
	}
	rel, err := decodeRecord(row)
	if err != nil {
		rel = stub(row)
	}
	return rel, d.to.DeleteRelease(d.ctx, key)
}

func (d records) Get(key string) (*release.Release, error) {
	row, err := d.row(key)
	if err != nil {
		return nil, err
	}
	return decodeRecord(row)
}

func (d records) row(key string) (understudy.ReleaseRecord, error) {
	row, err := d.to.GetRelease(d.ctx, key)
	if understudy.CodeOf(err) == understudy.NotFound {
		err = driver.ErrReleaseNotFound
	}
	return row, err
}

// List returns every release; an unreadable one as what its row says.
func (d records) List(filter func(*release.Release) bool) ([]*release.Release, error) {
	rows, err := d.to.ListReleases(d.ctx, d.namespace)
	if err != nil {
		return nil, err
	}
	var out []*release.Release
	for _, row := range rows {
		rel, err := decodeRecord(row)
		if err != nil {
			d.log.Warn("a release record cannot be read", "key", row.Key, "error", err)
			rel = stub(row)
		}
		if filter(rel) {
			out = append(out, rel)
		}
	}
	return out, nil
}

// Query finds releases by name, owner and status, which are the labels that
// Helm asks for. Unreadable ones are left out, as Helm's own drivers do.
func (d records) Query(labels map[string]string) ([]*release.Release, error) {
	rows, err := d.to.ListReleases(d.ctx, d.namespace)
	if err != nil {
		return nil, err
	}
	var out []*release.Release
	for _, row := range rows {
		if !matches(row, labels) {
			continue
		}
		if rel, err := decodeRecord(row); err == nil {
			out = append(out, rel)
		}
	}
	if len(out) == 0 {
		return nil, driver.ErrReleaseNotFound
	}
	return out, nil
}

func matches(row understudy.ReleaseRecord, labels map[string]string) bool {
	have := maps.Clone(row.Labels)
	if have == nil {
		have = map[string]string{}
	}
	have["name"], have["owner"], have["status"], have["version"] = row.Name, row.Owner, row.Status, strconv.Itoa(row.Version)
	for k, v := range labels {
		if have[k] != v {
			return false
		}
	}
	return true
}

func (d records) encode(key string, rel *release.Release) (understudy.ReleaseRecord, error) {
	b, err := json.Marshal(rel)
	if err != nil {
		return understudy.ReleaseRecord{}, fmt.Errorf("write release record %s: %w", key, err)
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, err = zip.Write(b)
	if err = errors.Join(err, zip.Close()); err != nil {
		return understudy.ReleaseRecord{}, fmt.Errorf("pack release record %s: %w", key, err)
	}
	return understudy.ReleaseRecord{
		Key: key, Name: rel.Name, Namespace: rel.Namespace, Version: rel.Version, Status: rel.Info.Status.String(), Owner: owner,
		Labels: rel.Labels, Body: base64.StdEncoding.EncodeToString(packed.Bytes()),
		CreatedAt: rel.Info.FirstDeployed.Time.UTC(), ModifiedAt: rel.Info.LastDeployed.Time.UTC(),
	}, nil
}
