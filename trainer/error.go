package trainer

import (
	"errors"
	"fmt"
	"syscall"
)

// Code is a kind of error that callers tell apart.
type Code string

// The codes. An Error of any code is final for a job: trying again would not
// help. Every other error is passing trouble.
const (
	Invalid  Code = "invalid"   // what was asked for is wrong
	Conflict Code = "conflict"  // another thing has this name already
	NotFound Code = "not_found" // there is no such thing
	NoSpace  Code = "no_space"  // the disk is full
	Broken   Code = "broken"    // a job cannot succeed any more
	Busy     Code = "busy"      // not now
)

// Error carries a sentence for a person.
type Error struct {
	Code    Code
	Message string
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of an Error in err's chain, or "".
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Explain turns a full disk into a sentence that says what to do, and leaves
// every other error as it is.
func Explain(err error, dir string) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return Errorf(NoSpace, "There is no space left for %s. Free some, then try again.", dir)
	}
	return err
}

// ErrStart means that an agent was started and ended before it could be used.
var ErrStart = errors.New("the training agent ended while it started")
