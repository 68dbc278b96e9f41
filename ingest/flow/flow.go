// Package flow runs the streams of a source that is asked rather than one that tells: each on its schedule, over windows that
// overlap, from where the last run stopped, catching up after an outage, and says how far the source is complete.
package flow

import (
	"context"
	"errors"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/schemas"
)

// Flow is one stream of a source.
type Flow struct {
	Name     string   // in the pipeline file and in the cursor: "calls"
	Facts    []string // kinds it writes; the source is complete for a kind as far as all flows that write it are
	Schedule Schedule
	Window   Window
	// Replaces says that a read hands over all there is in its window: what an earlier read handed over and this one does not
	// has been withdrawn by the vendor, and is retracted.
	Replaces bool
	Read     func(ctx context.Context, r *Read) error
}

// Schedule says when a flow is due. One of Every and Cron is set.
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
	Longest time.Duration // of one read while catching up; 0: no limit
}

// Read is one reading of a flow. Its methods may be called from one goroutine at a time.
type Read struct {
	From, To time.Time // half-open; zero without a window
	Drain    bool
	State    []byte // what the last read left, nil at first
	// Through is how far the source is complete once this read is done: To - Lag, unless Read sets it.
	Through time.Time
	run     *run
}

// ErrSplit asks for the window in two halves: the vendor cut the answer short. What was handed over stands.
var ErrSplit = errors.New("the answer was cut short: the window is to be split")

// Contact hands over a contact. Where its Revision is 0 the flow gives it one that grows; a contact that says what the flow handed
// over before is not written again.
func (r *Read) Contact(ctx context.Context, c *schemas.Contact) error { return nil }

// AgentState hands over a state, with revisions as contacts have them.
func (r *Read) AgentState(ctx context.Context, a *schemas.AgentState) error { return nil }

// Worker hands over a person's ids, with revisions as contacts have them.
func (r *Read) Worker(ctx context.Context, w *schemas.Worker) error { return nil }

// Reject dead-letters an input.
func (r *Read) Reject(ctx context.Context, d *schemas.DeadLetter) error { return nil }

// Raw keeps an answer as the vendor gave it, where the source's option asks for that.
func (r *Read) Raw(ctx context.Context, contentType string, payload []byte) error { return nil }

// Progress shows how far the read is. Total is 0 where unknown.
func (r *Read) Progress(done, total int64, unit string) {}

// Options are what flows have from their source.
type Options struct {
	Deps    ingest.Deps
	KeepRaw time.Duration // how long Raw keeps; 0: not at all
}

// Run runs the flows until ctx ends; draining, until each has read up to the present once. A flow that fails is tried again
// with growing pauses while the others go on; draining, its failure is Run's. Every read ends with the flow's position committed.
func Run(ctx context.Context, flows []Flow, cursor []byte, out ingest.Out, o Options) error {
	return nil
}

type run struct{}
