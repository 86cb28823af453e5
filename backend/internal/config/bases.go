package config

import (
	"os"

	understudy "understudy.dev/backend"
	"understudy.dev/service/env"
)

// readBases takes UNDERSTUDY_BASES_FILE: base SLMs in the form of
// backend/catalogue.json, with the sha256 of every file.
func readBases(r *env.Reader) []understudy.Base {
	const name = "UNDERSTUDY_BASES_FILE"
	path := r.String(name, "")
	if path == "" {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		r.Fail(name, "%v", err)
		return nil
	}
	bases, err := understudy.ReadBases(data)
	if err != nil {
		r.Fail(name, "%s: %v", path, err)
	}
	return bases
}
