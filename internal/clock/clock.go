// Package clock is the only place that reads the wall clock. Everything else is handed a Clock, so that a test decides what
// time it is; code inside a testing/synctest bubble may use the functions here as they are.
package clock

import (
	"context"
	"time"
)

// Clock tells the time. Its zero value is not usable; System is the real one.
type Clock func() time.Time

// System reads the machine's clock, or the bubble's inside testing/synctest.
var System Clock = Now

// Now is the present instant with its monotonic reading.
func Now() time.Time { return time.Now() }

// Since is the time gone by since t.
func Since(t time.Time) time.Duration { return time.Since(t) }

// Fixed is a clock that stands still.
func Fixed(t time.Time) Clock { return func() time.Time { return t } }

// Milliseconds is the instant as the records hold it: milliseconds since 1970, UTC.
func (c Clock) Milliseconds() int64 { return c().UnixMilli() }

// Sleep waits for d or until ctx ends, and returns ctx's error in the second case.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
