package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/schemas"
)

// ahead is how far a flow may be complete after now without a word: clocks are set back by little now and then.
const ahead = 2 * time.Minute

// cycle reads once up to the present, in as many pieces as that takes.
func (w *worker) cycle(ctx context.Context) error {
	n := w.run
	now := n.watch.Now()
	if w.flow.Schedule.listens() || w.flow.Window.whole() {
		return w.read(ctx, time.Time{}, time.Time{}, now)
	}
	from, to, lost := w.flow.Window.span(now, w.position.Through)
	if !from.Before(to) && w.position.Through.After(now.Add(ahead)) {
		return fmt.Errorf("the flow is complete through %s, and now it is %s: nothing is read until then, as this machine's clock is wrong, or was when "+
			"the flow was read; correct it, or say `quarterhour sources reset` with --to", w.position.Through.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if lost > 0 {
		n.deps.Log.Error("the vendor no longer tells about a stretch of time that was not read: it stays empty", "flow", w.flow.Name,
			"from", w.position.Through, "to", from)
	}
	for start := from; from.Before(to); {
		end := w.flow.Window.piece(from, to)
		if end.Before(to) || !start.Equal(from) {
			w.progress(int64(from.Sub(start)/time.Minute), int64(to.Sub(start)/time.Minute), "minutes")
		}
		next, err := w.piece(ctx, from, end, n.watch.Now())
		if err != nil {
			return err
		}
		if !next.After(from) { // the source said that it is not complete so far: the rest is for the next time
			return nil
		}
		from = next
	}
	return nil
}

// piece reads a window, in halves where the vendor cuts the answer short, and returns where to go on.
func (w *worker) piece(ctx context.Context, from, to, began time.Time) (next time.Time, err error) {
	err = w.read(ctx, from, to, began)
	if !errors.Is(err, ErrSplit) {
		if err == nil && w.stopped.After(from) && w.stopped.Before(to) {
			return w.stopped, nil
		}
		if err == nil && !w.stopped.IsZero() && !w.stopped.After(from) {
			return from, nil
		}
		return to, err
	}
	middle, ok := half(from, to)
	if !ok {
		return to, w.incomplete(ctx, from, to, began)
	}
	w.run.deps.Log.Info("the answer was cut short: the window is split", "flow", w.flow.Name, "from", from, "to", to)
	next, err = w.piece(ctx, from, middle, began)
	if err != nil || next.Before(middle) {
		return next, err
	}
	return w.piece(ctx, middle, to, began)
}

// incomplete dead-letters a window that cannot be split further, and goes on after it.
func (w *worker) incomplete(ctx context.Context, from, to, began time.Time) error {
	r := w.newRead(from, to, began)
	err := r.Reject(ctx, &schemas.DeadLetter{
		Reason:   "truncated",
		Detail:   fmt.Sprintf("the vendor cuts its answer short even for one second, %s: what it left out is missing", from.UTC().Format(time.RFC3339)),
		Location: fmt.Sprintf("flow %s from %s to %s", w.flow.Name, from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339)),
	})
	if err != nil {
		return err
	}
	w.run.mu.Lock()
	defer w.run.mu.Unlock()
	w.complete(r.Through)
	return w.run.commit()
}

func (w *worker) newRead(from, to, began time.Time) *Read {
	w.reading++
	r := &Read{From: from, To: to, Drain: w.run.deps.Drain, State: w.position.state(), worker: w, number: w.reading, began: began}
	if !w.flow.Schedule.listens() {
		r.Through = w.flow.Window.complete(to, began)
	}
	r.preset = r.Through
	return r
}

// read makes one read and commits what came of it. ErrSplit comes back as it is.
func (w *worker) read(ctx context.Context, from, to, began time.Time) error {
	n := w.run
	r := w.newRead(from, to, began)
	w.stopped = time.Time{}
	if err := w.flow.Read(ctx, r); err != nil {
		return err
	}
	crash.Point(crash.FlowRead)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.usable(ctx); err != nil {
		return err
	}
	if err := w.retract(ctx, r); err != nil {
		return err
	}
	if r.Through.Before(r.preset) {
		w.stopped = r.Through
	}
	w.complete(r.Through)
	w.reads++
	n.forget()
	p := w.position
	p.setState(r.State)
	p.Read, p.Error, p.FailedAt = began.UTC(), "", time.Time{}
	if !w.flow.Schedule.listens() {
		p.Due = w.flow.Schedule.next(began, n.watch.Now(), w.jitter).UTC()
	}
	w.report("ok")
	return n.commit()
}

// forget drops from memory what no read can bring again.
func (n *run) forget() {
	now := n.watch.Now()
	reads := func(number uint8) uint16 {
		if number == 0 { // it came back from the log, and from no flow since
			return 2
		}
		return n.workers[number-1].reads
	}
	for kind, m := range n.by {
		if m.due(now) {
			m.forget(now, second(millis(n.horizon(kind))), reads)
		}
	}
}

// retryAfter is how long the vendor asks to be left alone.
func retryAfter(err error) time.Duration {
	var call *httpcall.Error
	if errors.As(err, &call) {
		return call.RetryAfter
	}
	return 0
}
