package clock

import (
	"context"
	"time"
)

// Watch tells the time and waits by the same time, which need not be the machine's: against simulated vendors a day may pass in a
// minute.
type Watch interface {
	Now() time.Time
	// Sleep waits for d, or until ctx ends, and returns ctx's error in the second case.
	Sleep(ctx context.Context, d time.Duration) error
}

// Wall is the machine's watch, or the bubble's inside testing/synctest.
var Wall Watch = wall{}

type wall struct{}

func (wall) Now() time.Time                                   { return Now() }
func (wall) Sleep(ctx context.Context, d time.Duration) error { return Sleep(ctx, d) }

// Fast is a watch that showed `showed` when the machine's clock was at `at`, and runs speed times as fast since. Processes that
// are given the same three agree on the time.
func Fast(showed, at time.Time, speed float64) Watch { return fast{showed, at, speed} }

type fast struct {
	showed, at time.Time
	speed      float64
}

func (f fast) Now() time.Time {
	return f.showed.Add(time.Duration(float64(Now().Sub(f.at)) * f.speed))
}

func (f fast) Sleep(ctx context.Context, d time.Duration) error {
	return Sleep(ctx, time.Duration(float64(d)/f.speed))
}
