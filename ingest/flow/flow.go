// Package flow runs the streams of a source that is asked rather than one that tells: each on its schedule, over windows that
// overlap, from where the last run stopped, catching up after an outage, and says how far the source is complete.
package flow

import (
	"context"
	"errors"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
)

// Flow is one stream of a source.
type Flow struct {
	Name     string   // in the pipeline file and in the cursor: "calls"
	Facts    []string // kinds it writes; the source is complete for a kind as far as all flows are that write it and have a schedule
	Schedule Schedule
	Window   Window
	// Replaces says that a read hands over all there is in its window, as far as it is complete: what any flow of the source handed
	// over before and this read does not has been withdrawn by the vendor, and is retracted; not so in a read that is Partial. Facts are to have
	// revision 0 then. A fact belongs to the window in which it begins: contacts by offered_at, else answered_at, else ended_at; states by started_at.
	// Without a window a read hands over all there is.
	Replaces bool
	// Owns tells the facts that this flow replaces from those that other flows write, such as the contacts of another channel; nil: all
	// of its kinds. It is asked about a *schemas.Contact and the like, also one that comes back from the log.
	Owns func(fact any) bool
	// Margin is how much later than the time by which the vendor selects a fact may begin: what begins in the first Margin of a window
	// is not missed there.
	Margin time.Duration
	Read   func(ctx context.Context, r *Read) error
}

// Schedule says when a flow is due. One of Every and Cron is set; or neither, and Read is one that listens: it goes on until ctx ends,
// commits as it goes, and is started again when it returns. Draining, it returns at once.
type Schedule struct {
	Every  time.Duration
	Cron   string         // five fields, in Zone
	Zone   *time.Location // UTC if nil
	Align  time.Duration  // after the full Every by the clock, as :02, :17, :32, :47; negative: not aligned
	Jitter time.Duration  // at most this much later, the same for one flow of one source at all times
}

// Window says which stretch of event time a read asks for: from as far as the flow is complete, less Overlap, to now. A flow
// without a window (all zero) reads the present state of a thing, such as the list of users.
type Window struct {
	Start   time.Time     // where the first read begins; zero: Back before now
	Back    time.Duration // how far back the first read begins, and how far back a vendor can be asked at most (0: no limit)
	Overlap time.Duration // how much of what is complete is asked for again
	Lag     time.Duration // how much later than its time a record may appear: a read to T is complete through T - Lag
	Longest time.Duration // of one read while catching up; 0: no limit. What a read hands over is remembered while it goes on
}

// Read is one reading of a flow. Its methods may be called from one goroutine at a time.
type Read struct {
	From, To time.Time // half-open, whole seconds; zero without a window
	Drain    bool
	State    []byte // what the last read left, nil at first
	// Through is how far the source is complete once this read is done: To, at most the time of reading less Lag, unless Read sets it.
	// A read that listens promises nothing unless it sets it. It never goes back.
	Through time.Time
	// Partial says that the answer may lack what is there: nothing is taken for withdrawn. An input that is rejected says so, too.
	Partial bool
	worker  *worker
	preset  time.Time
	number  uint16
	began   time.Time
}

// ErrSplit asks for the window in two halves: the vendor cut the answer short. What was handed over stands. Of a window of one second,
// which cannot be split, a dead letter says that something is missing.
var ErrSplit = errors.New("the answer was cut short: the window is to be split")

// Options are what flows have from their source.
type Options struct {
	Deps    ingest.Deps
	KeepRaw time.Duration // how long Raw keeps; 0: not at all
}
