package runpod

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Error is an answer of the API other than the one hoped for.
type Error struct {
	Status     int
	Title      string
	Detail     string
	Violations []string      // of a body that breaks the contract
	RetryAfter time.Duration // 0 where the API did not say
}

func (e *Error) Error() string {
	text := e.Detail
	if text == "" {
		text = e.Title
	}
	if len(e.Violations) > 0 {
		text += " (" + strings.Join(e.Violations, "; ") + ")"
	}
	return strings.TrimSuffix(fmt.Sprintf("RunPod answered %d: %s", e.Status, text), ": ")
}

// StatusOf returns the HTTP status of an Error in err's chain, 0 where no
// answer came.
func StatusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// Gone reports whether the thing asked for is not there.
func Gone(err error) bool { return StatusOf(err) == http.StatusNotFound }

// capacityWords are in every wording of "no capacity" that was seen. There is
// no code for it: 400 stands for broken rules too.
var capacityWords = []string{
	"no longer any instances available",
	"no instances currently available",
	"not have the resources to deploy",
	"could not find any pods with required specifications",
}

// NoCapacity reports whether the answer says in words that nothing is free.
func NoCapacity(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Status < 400 {
		return false
	}
	text := strings.ToLower(e.Detail + " " + e.Title)
	for _, words := range capacityWords {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// unclear reports whether a request that failed so may have been carried out
// all the same: no answer came, or one that says nothing about it.
func unclear(err error) bool {
	status := StatusOf(err)
	return err != nil && !errors.Is(err, errUnknown) && !NoCapacity(err) && (status == 0 || status == http.StatusRequestTimeout || status >= 500)
}

// passing reports whether the same request may go well later.
func passing(err error) bool { return unclear(err) || StatusOf(err) == http.StatusTooManyRequests }
