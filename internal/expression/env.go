package expression

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/expr-lang/expr/vm"
)

// Env is what an expression is evaluated against: the row's columns by slot, and the scratch memory of one evaluation after
// another. Not safe for concurrent use. Texts that Eval returns may lie in the scratch memory, and are good until Reset.
type Env struct {
	Values  []Value
	locals  []Value
	scratch []byte
	err     error
	machine vm.VM
	vars    map[string]any
	zone    *zoneCache
}

// Reset makes the environment ready for the next row: it forgets scratch memory, and what Let expressions gave.
func (e *Env) Reset() {
	e.scratch, e.err = e.scratch[:0], nil
	for i := range e.locals {
		e.locals[i].Kind = unset
	}
}

// Renew is Reset for callers that keep the texts they were given: scratch memory is left to them.
func (e *Env) Renew() {
	e.Reset()
	e.scratch = nil
}

// in is the zone's rules, with the cache of days that only one caller may use.
func (e *Env) in(l *time.Location) *zoneCache {
	if e.zone == nil || e.zone.location != l {
		e.zone = &zoneCache{location: l}
	}
	return e.zone
}

// fail keeps the first error of an evaluation.
func (e *Env) fail(format string, args ...any) Value {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
	return Value{}
}

// alias is the text of bytes that will not change while it is used.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
