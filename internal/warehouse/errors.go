package warehouse

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
)

// Error is a failure that ClickHouse, or the way to it, reported.
type Error struct {
	Doing     string // what was tried
	Code      int    // ClickHouse's error code; 0 where the server did not answer
	Permanent bool   // trying again changes nothing: somebody has to act
	Advice    string // what to do
	Err       error
}

func (e *Error) Error() string {
	s := e.Doing + ": " + e.Err.Error()
	if e.Advice != "" {
		s += ": " + e.Advice
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Permanent says whether trying again cannot help.
func Permanent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Permanent
}

// failed gives err its class. A context that ended is passed on as it is.
func failed(doing string, err error) error {
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", doing, err)
	}
	e := &Error{Doing: doing, Err: err}
	var x *clickhouse.Exception
	if errors.As(err, &x) {
		e.Code, e.Err = int(x.Code), exception{x}
		for _, c := range classes {
			if slices.Contains(c.codes, e.Code) {
				e.Permanent, e.Advice = c.permanent, c.advice
			}
		}
	} else {
		e.Advice = "check that ClickHouse runs and that its address is right"
	}
	return e
}

// exception is ClickHouse's own error in words of one shape for both protocols.
type exception struct{ *clickhouse.Exception }

func (x exception) Error() string {
	name := x.CodeName
	if code := proto.Error(x.Code); name == "" && code.IsAError() { // the native protocol gives no name
		name = code.String()
	}
	if name == "" {
		name = x.Name
	}
	return fmt.Sprintf("ClickHouse error %d (%s): %s", x.Code, name, x.Message)
}

func (x exception) Unwrap() error { return x.Exception }

// classes are the codes that somebody has to act on, and those that pass but deserve advice. Every other code is tried again.
var classes = []struct {
	codes     []int
	permanent bool
	advice    string
}{
	{[]int{192, 193, 194, 516}, true, "check the user and password in ClickHouse's address"},
	{[]int{497, 164}, true, "grant the user of ClickHouse's address the right to do so"},
	{[]int{60, 81}, true, "check the name; the tables are made by `quarterhour migrate`"},
	{[]int{10, 16, 44, 47, 53, 122, 20}, true, "the tables do not fit this version of quarterhour: run `quarterhour migrate`"},
	{[]int{6, 36, 73, 41, 42, 43, 46, 62, 115, 117, 184, 215, 349, 386}, true, ""},
	{[]int{252}, false, "too many parts: merges are behind, the batch is tried again"},
	{[]int{241}, false, "ClickHouse is out of memory for now: give it more, or run fewer queries at once"},
	{[]int{243}, true, "ClickHouse's disk is full: make room"},
	{[]int{159, 160, 209}, false, "ClickHouse was too slow"},
	{[]int{202}, false, "too many queries at once"},
	{[]int{242}, false, "the table is read-only for now"},
}
