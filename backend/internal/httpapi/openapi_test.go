package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The frontend's client is made from this file.
const described = "../../../frontend/openapi.json"

func TestTheFrontendKnowsThisDescription(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	raw, err := json.Marshal(New(ctx, Config{Version: "1"}).OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	if *update {
		if err := os.WriteFile(described, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(described)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s is not what this API is; write it anew with: go test ./internal/httpapi -run TestTheFrontend -update", described)
	}
}
