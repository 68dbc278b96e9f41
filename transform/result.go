package transform

import (
	"cmp"
	"fmt"
	"time"
)

// Outcome is what became of a fact. Every fact has exactly one, so that the counts add up to what was read.
type Outcome uint8

// The outcomes.
const (
	Applied    Outcome = iota // it is the newest revision of its identity now
	Duplicate                 // the same revision with the same content is there
	Superseded                // a greater revision, or a greater content of the same one, is there
	TooLate                   // it is about intervals older than the retention, or final ones where the late policy keeps those
	Rejected                  // it cannot be: Reason says why
)

// String is the word used in metrics.
func (o Outcome) String() string {
	return [...]string{"applied", "duplicate", "superseded", "too_late", "rejected"}[o]
}

// The reasons of outcomes.
const (
	ReasonBackwards     = "time_backwards"
	ReasonFuture        = "time_in_future"
	ReasonAncient       = "time_before_1990"
	ReasonNegative      = "negative_duration"
	ReasonTooLong       = "too_long"
	ReasonNoTime        = "no_time"
	ReasonNoIdentity    = "no_identity"
	ReasonWrongTenant   = "wrong_tenant"
	ReasonWrongFact     = "wrong_fact"
	ReasonTooManyWords  = "too_many_words"
	ReasonRetention     = "older_than_retention"
	ReasonLateSide      = "late_side"
	ReasonLateDrop      = "late_drop"
	ReasonMarkBackwards = "mark_backwards"
)

// Result is what became of one fact or mark.
type Result struct {
	Outcome Outcome
	Reason  string // of TooLate and Rejected, and of marks that go backwards

	field, other string
	a, b         int64
}

// Detail says what is wrong and what to do, for people. It is built when asked for: most results are never read.
func (r Result) Detail() string {
	switch r.Reason {
	case ReasonBackwards:
		return fmt.Sprintf("%s %q is before %s %q by more than the clock skew allowed: correct the record at its source, or raise clock_skew",
			r.field, instant(r.a), r.other, instant(r.b))
	case ReasonFuture:
		return fmt.Sprintf("%s %q is more than %s after the record arrived (%q): check the time zone of the source", r.field, instant(r.a), cmp.Or(r.other, "a day"), instant(r.b))
	case ReasonAncient:
		return fmt.Sprintf("%s %q is before 1990: check the date format of the source", r.field, instant(r.a))
	case ReasonNegative:
		return fmt.Sprintf("%s is %d ms: a duration cannot be negative", r.field, r.a)
	case ReasonTooLong:
		return fmt.Sprintf("%s ends %s after it began: a fact may span %s at most", r.field, time.Duration(r.a)*time.Millisecond, time.Duration(r.b)*time.Millisecond)
	case ReasonNoTime:
		return fmt.Sprintf("%s is absent: without it the record belongs to no interval", r.field)
	case ReasonNoIdentity:
		return fmt.Sprintf("%s is empty: without it corrections of the record could not be recognised", r.field)
	case ReasonWrongTenant:
		return "the record belongs to another tenant than the pipeline"
	case ReasonWrongFact:
		return fmt.Sprintf("a fact of kind %q does not belong in this topic", r.field)
	case ReasonTooManyWords:
		return fmt.Sprintf("%s has more than %d different values: map it to fewer in a set stage", r.field, maxWords)
	case ReasonRetention:
		return fmt.Sprintf("it is about %q, and intervals before %q are closed for good: run `quarterhour rebuild` to count it", instant(r.a), instant(r.b))
	case ReasonLateSide, ReasonLateDrop:
		return fmt.Sprintf("it would change %q, and intervals before %q are final; the pipeline's late policy keeps final rows as they are", instant(r.a), instant(r.b))
	case ReasonMarkBackwards:
		return fmt.Sprintf("the source promised to be complete through %q and now says %q: the earlier promise stands", instant(r.b), instant(r.a))
	}
	return ""
}

func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

func rejected(reason, field string, a int64) Result {
	return Result{Outcome: Rejected, Reason: reason, field: field, a: a}
}
