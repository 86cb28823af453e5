// Package token makes and checks what an SLM pod holds: a JSON Web Token
// (RFC 7519, HS256) bound to one model, one attempt and one scope, signed with
// the service token, so that both backend and trainer can check it without
// asking anybody.
package token

import (
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// What a pod may do with its token.
const (
	ScopeServe = "serve" // pull the model's artefacts
	ScopeBatch = "batch" // that, and fetch evaluation prompts and post answers
)

// Claims say what a token is good for.
type Claims struct {
	Model   string `json:"model"`   // model id
	Attempt int    `json:"attempt"` // the model's attempt
	Scope   string `json:"scope"`
}

type wire struct {
	Claims
	jwt.RegisteredClaims
}

// ErrInvalid is returned for anything that Sign did not make with this secret.
var ErrInvalid = errors.New("the token is not valid")

// Sign returns a token without an expiry: it ends with the release that holds it.
func Sign(secret string, c Claims) (string, error) {
	if secret == "" {
		return "", errors.New("sign a token: the service token is empty")
	}
	t, err := jwt.NewWithClaims(jwt.SigningMethodHS256, wire{Claims: c}).SignedString([]byte(secret))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return t, nil
}

// Verify returns the claims of a token that Sign made with the same secret.
func Verify(secret, raw string) (Claims, error) {
	var w wire
	_, err := jwt.ParseWithClaims(raw, &w, func(*jwt.Token) (any, error) { return []byte(secret), nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}))
	if err != nil || secret == "" || w.Model == "" {
		return Claims{}, ErrInvalid
	}
	return w.Claims, nil
}
