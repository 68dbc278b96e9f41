package transform

import (
	"time"

	"github.com/quarterhour/quarterhour/schemas"
)

// earliest is the first instant a fact may carry.
var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// dayMs is how far after its arrival a fact may lie.
const dayMs = 24 * 3600 * 1000

// checkInstant rejects instants that cannot be; arrived 0 is unknown.
func checkInstant(field string, ms, arrived int64) Result {
	switch {
	case ms == schemas.Null:
		return Result{}
	case ms < earliest:
		return rejected(ReasonAncient, field, ms)
	case arrived != 0 && ms > arrived+dayMs:
		return Result{Outcome: Rejected, Reason: ReasonFuture, field: field, a: ms, b: arrived}
	}
	return Result{}
}

// checkContact rejects a contact whose times cannot be, and returns the times put in order: an instant slightly before the
// one it must follow is moved forward to it. The order is offered, answered, ended, wrap-up ended; moved counts the instants.
func checkContact(t times, skew, arrived int64) (ordered times, moved int, r Result) {
	if first := t.first(); first == schemas.Null {
		return t, 0, rejected(ReasonNoTime, "offered_at", 0)
	} else if first < earliest || arrived != 0 && t.latest() > arrived+dayMs {
		return t, 0, t.outside(arrived)
	}
	if negative(t.talk) || negative(t.hold) || negative(t.wrap) || max(t.talk, t.hold, t.wrap) > maxContactSpanMs {
		return t, 0, t.impossible()
	}
	if t, moved, r = inOrder(t, skew); r.Outcome != Applied {
		return t, 0, r
	}
	if span := t.last() - t.first(); span > maxContactSpanMs {
		return t, 0, Result{Outcome: Rejected, Reason: ReasonTooLong, field: "the contact", a: span, b: maxContactSpanMs}
	}
	return t, moved, Result{}
}

func negative(ms int64) bool { return ms < 0 && ms != schemas.Null }

// outside names the first instant that is too early or too late.
func (t times) outside(arrived int64) (r Result) {
	for _, i := range [...]struct {
		field string
		ms    int64
	}{{"offered_at", t.offered}, {"answered_at", t.answered}, {"ended_at", t.ended}, {"wrap_ended_at", t.wrapEnded}} {
		if r = checkInstant(i.field, i.ms, arrived); r.Outcome != Applied {
			break
		}
	}
	return r
}

// impossible names the first duration that is negative or too long.
func (t times) impossible() (r Result) {
	for _, d := range [...]struct {
		field string
		ms    int64
	}{{"talk_ms", t.talk}, {"hold_ms", t.hold}, {"wrap_ms", t.wrap}} {
		if negative(d.ms) {
			return rejected(ReasonNegative, d.field, d.ms)
		}
		if d.ms > maxContactSpanMs {
			return Result{Outcome: Rejected, Reason: ReasonTooLong, field: d.field, a: d.ms, b: maxContactSpanMs}
		}
	}
	return r
}

// inOrder moves instants forward within the skew. Where wrap-up has an end and the contact none, the contact ended with it;
// where the arrival is unknown, the contact was offered when it is first heard of.
func inOrder(t times, skew int64) (_ times, moved int, r Result) {
	if t.ended == schemas.Null {
		t.ended = t.wrapEnded
	}
	if t.offered == schemas.Null {
		if t.offered = t.answered; t.offered == schemas.Null {
			t.offered = t.ended
		}
	}
	at, field := t.offered, "offered_at"
	if t.answered != schemas.Null {
		if t.answered < at {
			if t.answered+skew < at {
				return t, 0, backwards("answered_at", field, t.answered, at)
			}
			t.answered = at
			moved++
		}
		at, field = t.answered, "answered_at"
	}
	if t.ended != schemas.Null {
		if t.ended < at {
			if t.ended+skew < at {
				return t, 0, backwards("ended_at", field, t.ended, at)
			}
			t.ended = at
			moved++
		}
		at, field = t.ended, "ended_at"
	}
	if t.wrapEnded != schemas.Null && t.wrapEnded < at {
		if t.wrapEnded+skew < at {
			return t, 0, backwards("wrap_ended_at", field, t.wrapEnded, at)
		}
		t.wrapEnded = at
		moved++
	}
	return t, moved, Result{}
}

func backwards(field, other string, ms, before int64) Result {
	return Result{Outcome: Rejected, Reason: ReasonBackwards, field: field, other: other, a: ms, b: before}
}
