package flow

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// The pauses of a flow that fails.
const (
	firstPause   = 2 * time.Second
	longestPause = 5 * time.Minute // at most; of a flow that is due more often as long as between two reads, a minute at least
	lockedPause  = time.Minute     // between two looks whether a credential is still locked: they make no call
	listenPause  = time.Second     // before a read that listens is started again
)

// worker is one flow at work.
type worker struct {
	run      *run
	flow     *Flow
	position *Position // its own in the run's cursor
	number   uint8     // from 1
	jitter   time.Duration
	backoff  *backoff.ExponentialBackOff
	locked   bool // it was said that the credential is
	counts   ingest.FlowCounts
	reads    uint16    // reads of the flow
	reading  uint16    // the number given last, to a read
	stopped  time.Time // where the last read said that it is complete, if that is less than was asked for
}

func newWorker(n *run, f *Flow, p *Position, number uint8) *worker {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = firstPause, longestPause, 2
	if f.Schedule.Cron == "" {
		b.MaxInterval = min(longestPause, max(f.Schedule.Every, time.Minute))
	}
	b.Reset()
	return &worker{
		run: n, flow: f, position: p, number: number, backoff: b,
		jitter: f.Schedule.jitterOf(n.deps.Pipeline + "/" + n.deps.Name + "/" + f.Name),
	}
}

// work reads whenever the flow is due.
func (w *worker) work(ctx context.Context) error {
	if w.run.deps.Drain {
		err := w.cycle(ctx)
		if err != nil && ctx.Err() == nil {
			w.failed(err, time.Time{})
			return &flowError{w.flow.Name, err}
		}
		return nil
	}
	due := w.firstDue()
	for {
		if err := w.run.watch.Sleep(ctx, due.Sub(w.run.watch.Now())); err != nil {
			return nil
		}
		began := w.run.watch.Now()
		err := w.cycle(ctx)
		if ctx.Err() != nil {
			return nil
		}
		due = w.nextDue(began, err)
		if err != nil {
			w.failed(err, due)
		}
	}
}

// firstDue is when to read first: at once, unless a run before this one has read lately.
func (w *worker) firstDue() time.Time {
	now := w.run.watch.Now()
	if w.flow.Schedule.listens() || w.position.Read.IsZero() {
		return now
	}
	due := w.flow.Schedule.next(w.position.Read, w.position.Read, w.jitter)
	if due.Before(now) || due.Sub(now) > w.flow.Schedule.next(now, now, w.jitter).Sub(now) { // the clock went back
		return now
	}
	return due
}

// nextDue is when to read again after a cycle that began at an instant and ended now.
func (w *worker) nextDue(began time.Time, err error) time.Time {
	now := w.run.watch.Now()
	var spent *quota.Exhausted
	switch {
	case err == nil:
		w.backoff.Reset()
		w.locked = false
		if w.flow.Schedule.listens() {
			return now.Add(listenPause)
		}
		return w.flow.Schedule.next(began, now, w.jitter)
	case errors.As(err, &spent):
		return spent.Until.Add(w.jitter % time.Minute)
	case errors.Is(err, quota.ErrLocked):
		return now.Add(lockedPause)
	}
	return now.Add(max(w.backoff.NextBackOff(), retryAfter(err)))
}

// failed notes the failure of a cycle, in the log and in the cursor, and for the metrics.
func (w *worker) failed(err error, due time.Time) {
	n := w.run
	log := n.deps.Log.With("flow", w.flow.Name)
	locked := errors.Is(err, quota.ErrLocked)
	switch {
	case locked && !w.locked:
		log.Error("the flow waits until the credential is unlocked", "err", err)
	case !locked && !due.IsZero():
		log.Warn("the flow failed and is tried again", "err", err, "at", due.UTC().Format(time.RFC3339))
	}
	w.locked = locked
	n.mu.Lock()
	defer n.mu.Unlock()
	p := w.position
	p.Error, p.FailedAt, p.Due = err.Error(), n.watch.Now().UTC(), due.UTC()
	w.report(outcomeOf(err))
	if n.broken == nil && n.ctx.Err() == nil {
		_ = n.commit() // a failure of out ends the run by itself
	}
}

func outcomeOf(err error) string {
	var spent *quota.Exhausted
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, quota.ErrLocked):
		return "locked"
	case errors.As(err, &spent):
		return "exhausted"
	}
	return "failed"
}

// flowError names the flow that failed.
type flowError struct {
	flow string
	err  error
}

func (e *flowError) Error() string { return "flow \"" + e.flow + "\": " + e.err.Error() }
func (e *flowError) Unwrap() error { return e.err }

// complete moves on how far the flow is complete. The lock is held.
func (w *worker) complete(through time.Time) {
	if now := w.run.watch.Now(); through.After(now) {
		through = now
	}
	if through = through.Truncate(time.Millisecond).UTC(); through.After(w.position.Through) {
		w.position.Through = through
	}
}

func (w *worker) progress(done, total int64, unit string) {
	if p := w.run.deps.Progress; p != nil {
		p.Report(w.run.deps.Name+" "+w.flow.Name, done, total, unit)
	}
}

// report hands the counts since the last report to the metrics. The lock is held.
func (w *worker) report(outcome string) {
	if m := w.run.deps.Metrics; m != nil {
		lag := time.Duration(-1)
		if !w.position.Through.IsZero() {
			lag = w.run.watch.Now().Sub(w.position.Through)
		}
		m.Flow(w.flow.Name, outcome, lag, w.counts)
	}
	w.counts = ingest.FlowCounts{}
}
