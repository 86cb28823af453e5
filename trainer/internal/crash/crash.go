// Package crash names every place where the trainer changes something outside
// its memory: a record, a file, a pod, an agent. In a program built with the
// tag crash such a place can end the process as kill -9 does, before or after
// the change; in every other program a point does nothing.
package crash

import (
	"fmt"
	"io"
	"slices"
	"sync"
)

// Point is a side effect's place in the code.
type Point struct{ name string }

var (
	mu    sync.Mutex
	known []string
)

// At declares a point. Each has a name of its own.
func At(name string) Point {
	mu.Lock()
	defer mu.Unlock()
	if slices.Contains(known, name) {
		panic("crash: two points are named " + name)
	}
	known = append(known, name)
	return Point{name}
}

// Before and After stand around the side effect.
func (p Point) Before() { reach(p.name, "before") }

// After is reached whether or not the side effect went well.
func (p Point) After() { reach(p.name, "after") }

// Around makes the side effect.
func (p Point) Around(effect func() error) error {
	p.Before()
	err := effect()
	p.After()
	return err
}

// List writes the names of all points, one a line, if this program can crash
// at them; else it returns false.
func List(w io.Writer) bool {
	if !armed {
		return false
	}
	mu.Lock()
	defer mu.Unlock()
	for _, name := range slices.Sorted(slices.Values(known)) {
		fmt.Fprintln(w, name)
	}
	return true
}
