package release

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mitchellh/copystructure"
	"helm.sh/helm/v3/pkg/chartutil"

	understudy "understudy.dev/backend"
)

// Labels that a release carries in Helm's record; its objects carry the same
// but the digest. Identity is read from them, never from names.
const (
	LabelEndpoint = "understudy.dev/endpoint"
	LabelVersion  = "understudy.dev/version"
	LabelModelID  = "understudy.dev/model-id"
	LabelAttempt  = "understudy.dev/attempt"
	LabelMode     = "understudy.dev/mode"
	labelDigest   = "understudy.dev/digest"
	labelApp      = "app"
	appName       = "slm-inference"
)

// batchSlots is how many questions of an evaluation are answered at once.
const batchSlots = 8

func labelsOf(r understudy.Release, digest string) map[string]string {
	return map[string]string{
		labelApp: appName, LabelEndpoint: r.Endpoint, LabelVersion: strconv.Itoa(r.Version), LabelModelID: r.ModelID,
		LabelAttempt: strconv.Itoa(r.Attempt), LabelMode: string(r.Mode), labelDigest: digest,
	}
}

func tokenSecret(release string) string { return release + "-token" }

// Digest implements understudy.Releases.
func (r *releases) Digest(want understudy.Release) (string, error) {
	_, digest, err := r.plan(want)
	return digest, err
}

func (r *releases) plan(want understudy.Release) (values map[string]any, digest string, err error) {
	if len(want.Name) > understudy.MaxReleaseName || want.Name == "" {
		return nil, "", understudy.Errorf(understudy.Invalid, "the release name %q has %d characters; 1 to %d are allowed", want.Name, len(want.Name), understudy.MaxReleaseName)
	}
	if values, err = r.values(want); err != nil {
		return nil, "", err
	}
	digest, err = r.digest(values)
	return values, digest, err
}

// values turns a release into the chart's values. What it does not set is as
// charts/slm/values.yaml says.
func (r *releases) values(want understudy.Release) (map[string]any, error) {
	base, err := r.base(want.Base)
	if err != nil {
		return nil, err
	}
	model := map[string]any{"alias": understudy.Model{Endpoint: want.Endpoint, Version: want.Version}.Name()}
	if want.Base.ContextLength > 0 {
		model["contextLength"] = want.Base.ContextLength
	}
	if want.Mode == understudy.ModeBatch {
		// Nobody waits for a single answer: more at once are more a second.
		model["slots"] = batchSlots
	}
	values := map[string]any{
		"mode": string(want.Mode), "endpoint": want.Endpoint, "version": want.Version, "modelID": want.ModelID, "attempt": want.Attempt,
		"base": base, "model": model,
		"adapter":    map[string]any{"sha256": want.Adapter.SHA256},
		"manifest":   map[string]any{"sha256": want.Manifest.SHA256},
		"token":      map[string]any{"secretName": tokenSecret(want.Name), "sha256": sha256Hex(want.Token)},
		"backendURL": r.BackendURL, "trainerURL": r.TrainerURL,
		"image": image(r.Image),
	}
	if r.BatchSize > 0 {
		values["job"] = map[string]any{"evaluationBatchSize": r.BatchSize}
	}
	return chartutil.CoalesceTables(values, copyOf(r.Values)), nil
}

// copyOf is deep: merging and Helm write into what they get.
func copyOf(values map[string]any) map[string]any {
	c, err := copystructure.Copy(values)
	if err != nil || values == nil {
		return map[string]any{}
	}
	return c.(map[string]any)
}

// base is where an operator says that it is; else a file that lies on the node
// is preferred to a pull.
func (r *releases) base(b understudy.Base) (map[string]any, error) {
	out := map[string]any{"name": b.Name, "sha256": b.Serve.SHA256}
	if given, ok := r.Values["base"].(map[string]any); ok {
		switch source, _ := given["source"].(string); source {
		case "existingClaim", "image": // the file is each base's own
			out["source"], out[source] = source, map[string]any{"file": b.Serve.File}
			return out, nil
		}
	}
	if r.ModelsDir != "" && b.Serve.File != "" {
		path, err := filepath.Abs(filepath.Join(r.ModelsDir, b.Serve.File))
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(path); err == nil {
			out["source"], out["hostFile"] = "hostFile", map[string]any{"path": path}
			return out, nil
		}
		if b.Serve.URL == "" {
			return nil, understudy.Errorf(understudy.Invalid, "the weights of base %s are not at %s, and the catalogue has no URL to pull them from; put the file there (make setup does)", b.Name, path)
		}
	}
	if r.ModelsURL != "" {
		out["source"], out["pull"] = "pull", map[string]any{"url": strings.TrimSuffix(r.ModelsURL, "/") + "/" + b.Serve.File}
		return out, nil
	}
	if file := b.Train.GGUF; b.Serve.URL == "" && file != nil && file.URL != "" {
		// What is served is made of this file at set-up, and is nowhere to be
		// pulled from: the same weights, in a slower format.
		out["source"], out["sha256"], out["pull"] = "pull", file.SHA256, map[string]any{"url": file.URL}
		return out, nil
	}
	if b.Serve.URL == "" {
		return nil, understudy.Errorf(understudy.Invalid, "the catalogue has no URL for the weights of base %s, so no pod can pull them; name a mirror (MODELS_URL) or a volume (slm.values.base.existingClaim)", b.Name)
	}
	out["source"], out["pull"] = "pull", map[string]any{"url": b.Serve.URL}
	return out, nil
}

// image splits a reference into repository and tag or digest.
func image(ref string) map[string]any {
	repository, digest, _ := strings.Cut(ref, "@")
	tag := ""
	if i := strings.LastIndex(repository, ":"); i > strings.LastIndex(repository, "/") {
		repository, tag = repository[:i], repository[i+1:]
	}
	return map[string]any{"repository": repository, "tag": tag, "digest": digest}
}

func sha256Hex(s string) string {
	if s == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
