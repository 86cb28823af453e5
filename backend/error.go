package understudy

import (
	"errors"
	"fmt"
)

// Code classifies an error; one place in internal/httpapi maps it to a status.
type Code string

const (
	Invalid      Code = "invalid"      // the caller's input is wrong
	Unauthorized Code = "unauthorized" // no key or a wrong one
	NotFound     Code = "not_found"
	Conflict     Code = "conflict" // the thing is not in a state that allows this
	TooLarge     Code = "too_large"
	Unavailable  Code = "unavailable" // try again later
	Internal     Code = "internal"
)

// Error is a domain error whose message a user may read and act on.
type Error struct {
	Code    Code
	Message string
	Err     error // the cause, for logs; may be nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error with a message.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first Error in err's chain, Internal where
// there is none, "" for nil.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	}
	return Internal
}

// ErrStale is returned by a compare-and-set whose row has moved on, or whose
// leader is no longer the leader. Look again; do not retry blindly.
var ErrStale = &Error{Code: Conflict, Message: "the record has changed meanwhile"}
