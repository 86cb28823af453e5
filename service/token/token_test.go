package token

import (
	"strings"
	"testing"
)

func TestOnlyTheSignersSecretVerifies(t *testing.T) {
	want := Claims{Model: "m", Attempt: 2, Scope: ScopeBatch}
	raw, err := Sign("secret", want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Verify("secret", raw); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	unsigned := "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + strings.Split(raw, ".")[1] + "."
	for name, c := range map[string][2]string{
		"another secret": {"other", raw}, "no secret": {"", raw}, "cut": {"secret", raw[:len(raw)-4]},
		"alg none": {"secret", unsigned}, "empty": {"secret", ""},
	} {
		if _, err := Verify(c[0], c[1]); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
