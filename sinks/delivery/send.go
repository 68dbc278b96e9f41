package delivery

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/schemas"
)

// The outcomes of an attempt, as deliveries say them.
const (
	Delivered = "delivered"
	Retry     = "retry"
	Dead      = "dead"
	Passed    = "passed"    // it was final for the first time, and only corrections are wanted: nothing was sent
	Discarded = "discarded" // a person did, of what was dead
)

// afterwards is how long the lane of a process that ends may take to write down what the destination has answered.
const afterwards = 5 * time.Second

// How long a destination that refused the credential is left alone before one request tries it again, and in a run that is to end, which
// tries once more.
const (
	lockedPause  = 10 * time.Minute
	drainedPause = 5 * time.Second
)

// outcome is what came of a request.
type outcome struct {
	err     error
	refused *Refused        // nil: it says of no item that it is refused
	fault   *httpcall.Error // what err says, as judge has it
	status  int             // of the answer; 0 where there was none, or the destination is no HTTP interface
	now     time.Time
	took    time.Duration
	wait    time.Duration // of a destination that could not take it: how long it is left alone
	well    int64         // requests that had gone well by then
	apart   bool          // other lanes had items in it, too
	final   bool          // the credential was refused again, and the run does not wait until it is accepted
}

// went says whether the destination answered, be it that it refuses.
func (o *outcome) went() bool {
	return o.err == nil || o.refused != nil || o.fault.Kind == httpcall.Permanent
}

// blind says whether the destination refused and did not say which items.
func (o *outcome) blind() bool { return o.err != nil && o.refused == nil && o.went() }

// of is the outcome for some of the items.
func (o *outcome) of(from, items int) *outcome {
	own := *o
	own.apart = true
	if o.refused != nil {
		own.refused = &Refused{}
		for _, r := range o.refused.Items {
			if r.Index >= from && r.Index < from+items {
				r.Index -= from
				own.refused.Items = append(own.refused.Items, r)
			}
		}
	}
	return &own
}

// prepared are the items of entries that are sent now.
func prepared(batch []*entry) []Item {
	items := make([]Item, len(batch))
	for i, e := range batch {
		e.tries++
		items[i] = e.Item
	}
	return items
}

// ask makes a request. What came of it is not known where the context ended meanwhile.
func (e *Engine) ask(ctx context.Context, items []Item, at permit) (o *outcome, known bool) {
	began := clock.Now()
	heard, said := listening(ctx)
	err := e.destination.Send(heard, items)
	o = &outcome{err: err, took: clock.Since(began), now: e.deps.Watch.Now(), fault: e.judge(err)}
	if ctx.Err() != nil && err != nil {
		e.pace.drop() // it is sent again by who takes over
		return o, false
	}
	if !errors.As(err, &o.refused) {
		o.refused = nil
	}
	if o.status = o.fault.Status; err == nil || o.refused != nil {
		o.status = int(said.Load())
	}
	e.asked(o)
	if o.went() {
		if away := e.pace.went(o.now); away > 0 {
			e.deps.Log.Info("the destination takes requests again", "after", away)
		}
		return o, true
	}
	least := o.fault.RetryAfter
	if o.final = e.ends() && at.trial && o.fault.Kind == httpcall.Refused; o.final {
		least = lockedPause // no other lane tries it meanwhile
	}
	wait, first := e.pace.failed(at, o.now, least)
	if f := e.deps.Paused; f != nil && first {
		f()
	}
	if o.fault.Kind == httpcall.Refused {
		e.deps.Log.Error("the destination refuses whatever it is sent, all records wait until this is set right", "items", len(items), "err", o.fault, "in", wait)
	} else {
		e.deps.Log.Warn("the destination did not take a request, it is sent again", "items", len(items), "err", o.fault, "in", wait)
	}
	o.wait, o.well = wait, e.pace.wentWell()
	return o, true
}

func (e *Engine) asked(o *outcome) {
	if f := e.deps.Asked; f != nil && (o.err == nil || o.refused != nil) {
		f("ok", o.took)
	} else if f != nil {
		f(o.fault.Kind.String(), o.took)
	}
}

// send makes a request and settles what came of it.
func (l *Lane) send(ctx context.Context, batch []*entry, at permit) {
	o, known := l.engine.ask(ctx, prepared(batch), at)
	if !known {
		return
	}
	if o.went() && !(l.engine.plan.Joint && o.blind()) {
		l.engine.turn() // the destination need not wait while its answer is written down
	}
	l.settle(ctx, batch, o)
}

// settle writes down what came of entries. A request that the destination finds wrong as a whole is sent in halves, until what is
// wrong in it stands alone.
func (l *Lane) settle(ctx context.Context, batch []*entry, o *outcome) {
	if ctx.Err() != nil {
		if o.err != nil && o.refused == nil {
			return // who takes over sends it again
		}
		var cancel context.CancelFunc // it is known, and who takes over shall know it too
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), afterwards)
		defer cancel()
	}
	switch {
	case !o.went():
		l.stopped(ctx, batch, o)
	case o.blind() && o.apart:
		l.refusedAs(ctx, batch, o)
		l.split(ctx, batch)
	case o.blind() && len(batch) > 1:
		l.refusedAs(ctx, batch, o)
		l.split(ctx, batch[:len(batch)/2], batch[len(batch)/2:])
	default:
		l.answered(ctx, batch, o)
	}
}

// refusedAs writes down that items were refused together, of which each is tried again.
func (l *Lane) refusedAs(ctx context.Context, batch []*entry, o *outcome) {
	attempts := make([]schemas.Delivery, len(batch))
	for i, e := range batch {
		attempts[i] = l.attempt(e, Retry, o.fault.Error(), o)
	}
	l.count(Retry, len(batch))
	if err := l.log.Deliveries(ctx, attempts); err != nil {
		l.fail(err)
	}
}

// split sends a request in pieces, each in a place of its own.
func (l *Lane) split(ctx context.Context, pieces ...[]*entry) {
	for _, piece := range pieces {
		if ctx.Err() != nil {
			return
		}
		at, ok := l.engine.pace.begin(l.engine.deps.Watch.Now())
		if !ok {
			l.mu.Lock()
			for _, e := range piece {
				e.attempts++ // it travels alone the next time
			}
			l.back(piece)
			l.mu.Unlock()
			continue
		}
		l.send(ctx, piece, at)
	}
}

// answered settles a request that the destination took, but for what it refused.
func (l *Lane) answered(ctx context.Context, batch []*entry, o *outcome) {
	why := map[int]RefusedItem{}
	if o.refused != nil {
		for _, r := range o.refused.Items {
			why[r.Index] = r
		}
	} else if o.err != nil {
		why[0] = RefusedItem{Reason: "refused", Detail: o.fault.Error()}
	}
	var letters []schemas.DeadLetter
	var settled, later []*entry
	attempts := make([]schemas.Delivery, len(batch))
	for i, e := range batch {
		r, no := why[i]
		switch {
		case !no:
			attempts[i] = l.attempt(e, Delivered, "", o)
		case r.Later > 0 && !l.engine.deps.Drain:
			attempts[i] = l.attempt(e, Retry, r.Detail, o)
			e.due = o.now.Add(r.Later).UnixMilli()
			later = append(later, e)
			continue
		default:
			attempts[i] = l.attempt(e, Dead, r.Detail, o)
			letters = append(letters, l.letter(e, r))
		}
		settled = append(settled, e)
	}
	l.count(Delivered, len(settled)-len(letters))
	l.count(Dead, len(letters))
	l.count(Retry, len(later))
	l.finish(ctx, settled, later, attempts, letters)
}

// stopped puts a request back that the destination could not take now. Only an entry that fails again and again while others go
// through is given up.
func (l *Lane) stopped(ctx context.Context, batch []*entry, o *outcome) {
	attempts := make([]schemas.Delivery, len(batch))
	var dead, again []*entry
	var letters []schemas.DeadLetter
	for i, e := range batch {
		if o.fault.Kind == httpcall.Transient { // a destination that asks for patience, or refuses the credential, says nothing about a record
			if e.failed && o.well > e.answered {
				e.attempts++
			}
			e.failed, e.answered = true, o.well
		}
		outcome := Retry
		if e.attempts < l.engine.options.Attempts {
			e.due = o.now.Add(o.wait).UnixMilli() // behind those that wait already
			again = append(again, e)
		} else {
			outcome = Dead
			dead = append(dead, e)
			letters = append(letters, l.letter(e, RefusedItem{Reason: "attempts", Detail: fmt.Sprintf("failed %d times while others went through: %v", e.attempts, o.fault)}))
		}
		attempts[i] = l.attempt(e, outcome, o.fault.Error(), o)
	}
	l.count(Retry, len(again))
	l.count(Dead, len(dead))
	l.finish(ctx, dead, again, attempts, letters)
	if o.final {
		l.fail(fmt.Errorf("the destination refuses us, and did so twice: %w. Correct that and run again: what is not delivered now is delivered then", o.fault))
	}
}

// finish writes down what came of entries, and after that settles some and puts others back.
func (l *Lane) finish(ctx context.Context, settled, again []*entry, attempts []schemas.Delivery, letters []schemas.DeadLetter) {
	if len(letters) > 0 {
		if err := l.log.DeadLetters(ctx, letters); err != nil {
			l.fail(err)
			return
		}
	}
	if err := l.log.Deliveries(ctx, attempts); err != nil {
		l.fail(err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settled(settled)
	l.back(again)
}

func (l *Lane) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = cmp.Or(l.err, err)
}

func (l *Lane) count(outcome string, n int) {
	if f := l.engine.deps.Attempted; f != nil && n > 0 {
		f(outcome, n)
	}
}

func (l *Lane) attempt(e *entry, result, detail string, o *outcome) schemas.Delivery {
	d := &l.engine.deps
	return schemas.Delivery{
		Tenant: d.Tenant, Pipeline: d.Pipeline, Sink: d.Name, RowKey: e.Key, Revision: e.Revision, Outcome: result, Status: int32(o.status),
		LatencyMs: o.took.Milliseconds(), Attempt: int32(max(e.tries, 1)), Error: bounded(detail), AttemptedAt: o.now.UnixMilli(),
	}
}

func (l *Lane) letter(e *entry, r RefusedItem) schemas.DeadLetter {
	payload, err := json.Marshal(e.record())
	if err != nil {
		payload = fmt.Appendf(nil, "%+v", e.record())
	}
	return schemas.DeadLetter{
		Stage: "sink", Source: l.engine.deps.Name, Fact: e.Kind(), Reason: cmp.Or(r.Reason, "refused"), Detail: bounded(r.Detail),
		Location: cmp.Or(e.origin, location(&e.Item)), Payload: payload,
	}
}

// longestDetail is how much of what a destination says is written down, in bytes: with the log of deliveries and the dead letters it stays for long.
const longestDetail = 500

// bounded is the beginning of a text. What goes by the name of a secret is taken out also where a sink did not.
func bounded(text string) string {
	if text == "" {
		return text
	}
	if text = httpcall.Redact(text); len(text) > longestDetail {
		text = strings.ToValidUTF8(text[:longestDetail], "") + "…"
	}
	return text
}

// location is how dead letters name a revision.
func location(i *Item) string { return fmt.Sprintf("%s@%d", i.Key, i.Revision) }

func (i *Item) record() any {
	switch {
	case i.Queue != nil:
		return i.Queue
	case i.AgentQueue != nil:
		return i.AgentQueue
	case i.Agent != nil:
		return i.Agent
	case i.Contact != nil:
		return i.Contact
	case i.AgentState != nil:
		return i.AgentState
	default:
		return i.Worker
	}
}

// judge turns an error of Send into what to do about it. An error that says nothing is taken for a passing one.
func (e *Engine) judge(err error) *httpcall.Error {
	var fault *httpcall.Error
	if errors.As(err, &fault) {
		again := *fault
		if again.Misplaced {
			again.Kind = httpcall.Refused
		}
		if again.RetryAfter = min(again.RetryAfter, LongestAsked); again.Kind == httpcall.Refused {
			again.RetryAfter = e.refusedPause(again.RetryAfter)
		}
		return &again
	}
	fault = &httpcall.Error{Kind: httpcall.Transient, Err: err}
	var exhausted *quota.Exhausted
	if errors.As(err, &exhausted) {
		fault.Kind, fault.RetryAfter = httpcall.Throttled, exhausted.Until.Sub(e.deps.Watch.Now())
	}
	if errors.Is(err, quota.ErrLocked) {
		fault.Kind, fault.RetryAfter = httpcall.Refused, e.refusedPause(0)
	}
	return fault
}

// ends says whether the run ends once everything is delivered.
func (e *Engine) ends() bool { return e.deps.Drain && !e.deps.Stays }

func (e *Engine) refusedPause(asked time.Duration) time.Duration {
	if e.ends() {
		return drainedPause
	}
	return max(asked, lockedPause)
}
