package console

import (
	"fmt"
	"math"
	"time"
)

// rateMemory is over how long a rate is averaged: long enough to be read, short enough to follow a change.
const rateMemory = 5 * time.Second

// task is one piece of work.
type task struct {
	what        string
	unit        string
	first       int64 // done when it was first seen: work of an earlier run does not count for the rate
	done, total int64
	started     time.Time
	seen        time.Time
	rate        float64 // units a second, averaged
}

func (t *task) update(done, total int64, unit string, now time.Time) {
	t.total, t.unit = total, unit
	dt := now.Sub(t.seen)
	if dt < time.Millisecond {
		t.done = max(done, t.done)
		return
	}
	current := float64(done-t.done) / dt.Seconds()
	if t.rate == 0 {
		t.rate = float64(done-t.first) / now.Sub(t.started).Seconds()
	} else {
		keep := math.Exp(-float64(dt) / float64(rateMemory))
		t.rate = keep*t.rate + (1-keep)*current
	}
	t.done, t.seen = done, now
}

func (t *task) finished() bool { return t.total > 0 && t.done >= t.total }

func (t *task) share() float64 { return min(1, max(0, float64(t.done)/float64(t.total))) }

// counted is an amount with its unit: "9,007 rows", "12 MB".
func (t *task) counted(n int64) string {
	if t.unit == "bytes" {
		return Bytes(n)
	}
	return Count(n) + " " + t.unit
}

// figures are share, count, rate and time left, as far as they are known.
func (t *task) figures() string {
	s := t.counted(t.done)
	if t.total > 0 {
		s = fmt.Sprintf("%3.0f %%  %s of %s", 100*t.share(), amount(t.done, t.unit), t.counted(t.total))
	}
	if t.rate >= 0.5 {
		s += "  " + amount(int64(t.rate), t.unit) + "/s"
		if t.total > 0 {
			s += "  " + Span(time.Duration(float64(t.total-t.done)/t.rate*float64(time.Second)).Round(time.Second)) + " left"
		}
	}
	return s
}

func (t *task) line() string { return t.what + ": " + t.figures() }

// took is how long the whole work took, and its rate, for the line that stays: nothing where most of it had been done before
// it was first seen.
func (t *task) took(now time.Time) string {
	seen, d := t.done-t.first, now.Sub(t.started)
	switch {
	case 2*seen < t.done:
		return ""
	case d < 50*time.Millisecond: // too short for a rate
		return " in " + Span(d)
	}
	return fmt.Sprintf(" in %s (%s/s)", Span(d), amount(int64(float64(seen)/d.Seconds()), t.unit))
}
