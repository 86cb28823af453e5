package understudy

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// Key is a client's key for /v1. The key itself is shown once and never stored.
type Key struct {
	ID              string // UUIDv7
	Name            string // for people
	Hash            string // SHA-256 of the key, hex
	Prefix          string // the key's first 8 characters, for recognising it
	DefaultEndpoint string // takes every request, whatever model it names; "" = none
	CreatedAt       time.Time
}

// KeyPrefix begins every client key.
const KeyPrefix = "uk-"

// NewKey makes a client key and returns its record, without ID and time, and
// the secret, which nobody can read again.
func NewKey(name, defaultEndpoint string) (k Key, secret string, err error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > 100 {
		return Key{}, "", Errorf(Invalid, "name: give the key a name of 1 to 100 characters")
	}
	secret = KeyPrefix + rand.Text() + rand.Text()[:10]
	return Key{Name: name, Hash: HashKey(secret), Prefix: secret[:8], DefaultEndpoint: defaultEndpoint}, secret, nil
}

// HashKey returns the SHA-256 of a key in hex, as Snapshot.Keys has it.
func HashKey(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
