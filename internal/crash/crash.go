// Package crash is a testing aid: it can end the process at a named point, as kill -9 or a failing machine would.
//
// The environment chooses the point: QUARTERHOUR_CRASH=fold-written kills the process when it is reached the first time,
// QUARTERHOUR_CRASH=fold-written:3 the third time. Nothing is flushed, closed or logged. Without the variable a point costs
// one branch that is never taken.
//
// A point stands where something is done and what depends on it is not, such as between a write and the commit that covers
// it. Package crashtest ends a run at every one of them, and asks of the next run that nothing shows. A new step in the path
// of the data wants a new point in names.go.
package crash

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// Variable is the environment variable that chooses the point.
const Variable = "QUARTERHOUR_CRASH"

// Name is a point.
type Name string

var (
	armed  bool // set before anything runs, and never after
	chosen Name
	left   atomic.Int64 // how often it is still to be reached
)

// Arm chooses where the process ends, given the variable's value; empty chooses nothing. It must be called before other
// goroutines reach points.
func Arm(value string) error {
	if value == "" {
		return nil
	}
	name, times, counted := strings.Cut(value, ":")
	n := int64(1)
	if counted {
		var err error
		if n, err = strconv.ParseInt(times, 10, 32); err != nil || n < 1 {
			return fmt.Errorf("%s=%q: %q is not a number of times: write NAME or NAME:3", Variable, value, times)
		}
	}
	if !slices.Contains(All, Name(name)) {
		return fmt.Errorf("%s=%q: no point is called %q: internal/crash/names.go lists them", Variable, value, name)
	}
	chosen = Name(name)
	left.Store(n)
	armed = true
	return nil
}

// Point ends the process if this is the point chosen, and does not return then.
func Point(n Name) {
	if armed {
		reached(n)
	}
}

func reached(n Name) {
	if n != chosen || left.Add(-1) != 0 {
		return
	}
	if err := end(); err != nil {
		panic(err) //nolint:forbidigo // going on would be taken for a run that never came here
	}
	select {} // until the signal is there
}

// end kills the process without giving it a chance: SIGKILL, or what the system has in its place.
func end() error {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		err = errors.Join(errors.New("the process cannot end itself"), err)
	}
	return err
}
