package pull

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"understudy.dev/service/file"
)

// ErrTemplate means that the manifest contradicts itself about its template.
var ErrTemplate = errors.New("the chat template's sha256 does not match")

// template writes the manifest's chat template beside it and returns its
// path, or "" where the manifest has none.
func template(manifest string) (string, error) {
	b, err := os.ReadFile(manifest)
	if err != nil {
		return "", err
	}
	var m struct {
		ChatTemplate       string `json:"chatTemplate"`
		ChatTemplateSHA256 string `json:"chatTemplateSha256"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return "", err
	}
	if m.ChatTemplate == "" {
		return "", nil
	}
	sum := sha256.Sum256([]byte(m.ChatTemplate))
	if got := hex.EncodeToString(sum[:]); m.ChatTemplateSHA256 != "" && got != m.ChatTemplateSHA256 {
		return "", fmt.Errorf("%w: want %s, got %s", ErrTemplate, m.ChatTemplateSHA256, got)
	}
	path := strings.TrimSuffix(manifest, filepath.Ext(manifest)) + ".jinja"
	return path, file.Replace(path, []byte(m.ChatTemplate), 0o600)
}
