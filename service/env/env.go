// Package env reads a service's configuration from its environment once and
// reports every mistake together.
package env

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Secret is a value that never shows itself in logs, prints or JSON.
type Secret string

const hidden = "(hidden)"

// Reveal returns the secret itself, for the one place that sends it.
func (s Secret) Reveal() string { return string(s) }

// String tells whether there is a secret, not which.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString keeps %#v from printing the secret.
func (s Secret) GoString() string { return s.String() }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps the secret out of JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reader reads variables and collects mistakes. It is not safe for concurrent use.
type Reader struct {
	lookup func(string) (string, bool)
	errs   []error
}

// New returns a Reader over lookup, os.LookupEnv in a program.
func New(lookup func(string) (string, bool)) *Reader { return &Reader{lookup: lookup} }

// Err returns every mistake so far, joined; nil if there is none.
func (r *Reader) Err() error { return errors.Join(r.errs...) }

// Fail adds a mistake about a variable.
func (r *Reader) Fail(name, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
}

// String returns the variable, or def where it is unset or empty.
func (r *Reader) String(name, def string) string {
	if v, ok := r.lookup(name); ok && strings.TrimSpace(v) != "" {
		return strings.TrimSpace(v)
	}
	return def
}

// Required is String without a default.
func (r *Reader) Required(name string) string {
	v := r.String(name, "")
	if v == "" {
		r.Fail(name, "is not set")
	}
	return v
}

// Secret returns NAME, or the content of the file that NAME_FILE names
// (surrounding white space cut). Both set is a mistake.
func (r *Reader) Secret(name string) Secret {
	direct, file := r.String(name, ""), r.String(name+"_FILE", "")
	switch {
	case direct != "" && file != "":
		r.Fail(name, "is set, and so is %s_FILE; set one of them", name)
	case file != "":
		b, err := os.ReadFile(file)
		if err != nil {
			r.Fail(name+"_FILE", "%v", err)
			return ""
		}
		return Secret(strings.TrimSpace(string(b)))
	}
	return Secret(direct)
}

// Int returns a whole number of at least min.
func (r *Reader) Int(name string, def, min int) int {
	return parse(r, name, def, func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < min {
			return def, fmt.Errorf("%q is not a whole number of at least %d", s, min)
		}
		return n, nil
	})
}

// Float returns a number between min and max, both included.
func (r *Reader) Float(name string, def, min, max float64) float64 {
	return parse(r, name, def, func(s string) (float64, error) {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || !(f >= min && f <= max) {
			return def, fmt.Errorf("%q is not a number between %g and %g", s, min, max)
		}
		return f, nil
	})
}

// Duration returns a Go duration such as 90s or 10m, not negative.
func (r *Reader) Duration(name string, def time.Duration) time.Duration {
	return parse(r, name, def, func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return def, fmt.Errorf("%q is not a duration such as 90s or 10m", s)
		}
		return d, nil
	})
}

// Bool returns true or false.
func (r *Reader) Bool(name string, def bool) bool {
	return parse(r, name, def, func(s string) (bool, error) {
		b, err := strconv.ParseBool(s)
		if err != nil {
			return def, fmt.Errorf("%q is neither true nor false", s)
		}
		return b, nil
	})
}

// URL returns an absolute http or https URL without a slash at its end.
func (r *Reader) URL(name, def string) string {
	return parse(r, name, def, func(s string) (string, error) {
		u, err := url.Parse(s)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return def, errors.New("is not an absolute http or https URL")
		}
		return strings.TrimRight(s, "/"), nil
	})
}

// OneOf returns one of the options.
func (r *Reader) OneOf(name, def string, options ...string) string {
	return parse(r, name, def, func(s string) (string, error) {
		if !slices.Contains(options, s) {
			return def, fmt.Errorf("%q is none of %s", s, strings.Join(options, ", "))
		}
		return s, nil
	})
}

// Level returns a slog level by name: debug, info, warn or error.
func (r *Reader) Level(name string) slog.Level {
	var l slog.Level
	_ = l.UnmarshalText([]byte(r.OneOf(name, "info", "debug", "info", "warn", "error")))
	return l
}

func parse[T any](r *Reader, name string, def T, f func(string) (T, error)) T {
	s := r.String(name, "")
	if s == "" {
		return def
	}
	v, err := f(s)
	if err != nil {
		r.Fail(name, "%v", err)
	}
	return v
}
