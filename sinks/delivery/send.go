package delivery

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	Passed    = "passed" // it was final for the first time, and only corrections are wanted: nothing was sent
)

// afterwards is how long the lane of a process that ends may take to write down what the destination has answered.
const afterwards = 5 * time.Second

// lockedPause is how long a destination that refused the credential is left alone before it is looked at again.
const lockedPause = 10 * time.Minute

// send makes a request and settles what came of it. A request that the destination finds wrong as a whole is sent in halves, until
// what is wrong in it stands alone.
func (l *Lane) send(ctx context.Context, batch []*entry) {
	items := make([]Item, len(batch))
	for i, e := range batch {
		e.tries++
		items[i] = e.Item
	}
	began := clock.Now()
	err := l.engine.destination.Send(ctx, items)
	took := clock.Since(began)
	if ctx.Err() != nil {
		if err != nil {
			l.engine.pace.drop() // what came of it is not known: it is sent again by who takes over
			return
		}
		var cancel context.CancelFunc // it is known, and who takes over shall know it too
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), afterwards)
		defer cancel()
	}
	now := l.engine.deps.Watch.Now()
	var refused *Refused
	partly := errors.As(err, &refused)
	fault := l.judge(err)
	l.asked(err == nil || partly, fault, took)
	if err != nil && !partly && fault.Kind != httpcall.Permanent {
		l.stopped(ctx, batch, fault, now, took)
		return
	}
	if away := l.engine.pace.went(now); away > 0 {
		l.engine.deps.Log.Info("the destination takes requests again", "after", away)
	}
	l.engine.turn() // the destination need not wait while its answer is written down
	if err != nil && refused == nil && len(batch) > 1 {
		l.halve(ctx, batch)
		return
	}
	l.answered(ctx, batch, refused, err, now, took)
}

func (l *Lane) asked(ok bool, fault *httpcall.Error, took time.Duration) {
	if f := l.engine.deps.Asked; f != nil && ok {
		f("ok", took)
	} else if f != nil {
		f(fault.Kind.String(), took)
	}
}

// halve sends the halves of a request, each in a place of its own.
func (l *Lane) halve(ctx context.Context, batch []*entry) {
	for _, half := range [][]*entry{batch[:len(batch)/2], batch[len(batch)/2:]} {
		if ctx.Err() != nil {
			return
		}
		if ok, _ := l.engine.pace.begin(l.engine.deps.Watch.Now()); !ok {
			l.mu.Lock()
			for _, e := range half {
				e.attempts++ // it travels alone the next time
			}
			l.back(half)
			l.mu.Unlock()
			continue
		}
		l.send(ctx, half)
	}
}

// answered settles a request that the destination took, but for what it refused.
func (l *Lane) answered(ctx context.Context, batch []*entry, refused *Refused, err error, now time.Time, took time.Duration) {
	why := map[int]RefusedItem{}
	if refused != nil {
		for _, r := range refused.Items {
			why[r.Index] = r
		}
	} else if err != nil {
		fault := l.judge(err)
		why[0] = RefusedItem{Reason: "refused", Detail: fault.Error()}
	}
	var letters []schemas.DeadLetter
	var settled, later []*entry
	attempts := make([]schemas.Delivery, len(batch))
	for i, e := range batch {
		r, no := why[i]
		switch {
		case !no:
			attempts[i] = l.attempt(e, Delivered, 0, "", now, took)
		case r.Later > 0 && !l.engine.deps.Drain:
			attempts[i] = l.attempt(e, Retry, status(err), r.Detail, now, took)
			e.due = now.Add(r.Later).UnixMilli()
			later = append(later, e)
			continue
		default:
			attempts[i] = l.attempt(e, Dead, status(err), r.Detail, now, took)
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
func (l *Lane) stopped(ctx context.Context, batch []*entry, fault *httpcall.Error, now time.Time, took time.Duration) {
	wait := l.engine.pace.failed(now, fault.RetryAfter)
	if f := l.engine.deps.Paused; f != nil {
		f()
	}
	l.engine.deps.Log.Warn("the destination did not take a request, it is sent again", "items", len(batch), "err", fault, "in", wait)
	well := l.engine.pace.wentWell()
	attempts := make([]schemas.Delivery, len(batch))
	var dead, again []*entry
	var letters []schemas.DeadLetter
	for i, e := range batch {
		if fault.Kind == httpcall.Transient { // a destination that asks for patience, or refuses the credential, says nothing about a record
			if e.failed && well > e.answered {
				e.attempts++
			}
			e.failed, e.answered = true, well
		}
		outcome := Retry
		if e.attempts < l.engine.options.Attempts {
			e.due = now.Add(wait).UnixMilli() // behind those that wait already
			again = append(again, e)
		} else {
			outcome = Dead
			dead = append(dead, e)
			letters = append(letters, l.letter(e, RefusedItem{Reason: "attempts", Detail: fmt.Sprintf("failed %d times while others went through: %v", e.attempts, fault)}))
		}
		attempts[i] = l.attempt(e, outcome, fault.Status, fault.Error(), now, took)
	}
	l.count(Retry, len(again))
	l.count(Dead, len(dead))
	l.finish(ctx, dead, again, attempts, letters)
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

func (l *Lane) attempt(e *entry, outcome string, status int, detail string, now time.Time, took time.Duration) schemas.Delivery {
	d := &l.engine.deps
	return schemas.Delivery{
		Tenant: d.Tenant, Pipeline: d.Pipeline, Sink: d.Name, RowKey: e.Key, Revision: e.Revision, Outcome: outcome, Status: int32(status),
		LatencyMs: took.Milliseconds(), Attempt: int32(max(e.tries, 1)), Error: detail, AttemptedAt: now.UnixMilli(),
	}
}

func (l *Lane) letter(e *entry, r RefusedItem) schemas.DeadLetter {
	payload, err := json.Marshal(e.record())
	if err != nil {
		payload = fmt.Appendf(nil, "%+v", e.record())
	}
	return schemas.DeadLetter{
		Stage: "sink", Source: l.engine.deps.Name, Fact: e.Kind(), Reason: cmp.Or(r.Reason, "refused"), Detail: r.Detail,
		Location: cmp.Or(e.origin, location(&e.Item)), Payload: payload,
	}
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
func (l *Lane) judge(err error) *httpcall.Error {
	var fault *httpcall.Error
	if errors.As(err, &fault) {
		if fault.Kind == httpcall.Refused {
			again := *fault
			again.RetryAfter = max(again.RetryAfter, lockedPause)
			return &again
		}
		return fault
	}
	fault = &httpcall.Error{Kind: httpcall.Transient, Err: err}
	var exhausted *quota.Exhausted
	if errors.As(err, &exhausted) {
		fault.Kind, fault.RetryAfter = httpcall.Throttled, exhausted.Until.Sub(l.engine.deps.Watch.Now())
	}
	if errors.Is(err, quota.ErrLocked) {
		fault.Kind, fault.RetryAfter = httpcall.Refused, lockedPause
	}
	return fault
}

func status(err error) int {
	var fault *httpcall.Error
	if errors.As(err, &fault) {
		return fault.Status
	}
	return 0
}
