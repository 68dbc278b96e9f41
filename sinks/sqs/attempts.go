package sqs

import (
	"context"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// A worker is its lane's log: it writes down what became of records, and after that deletes their messages or leaves them to the queue.
var _ delivery.Log = (*worker)(nil)

// DeadLetters writes nothing: the message is still in the queue, whose redrive policy puts it aside.
func (w *worker) DeadLetters(context.Context, []schemas.DeadLetter) error { return nil }

// Deliveries writes attempts down. The attempt is how often the queue gave the message out; it is dead when the redrive policy takes it next.
func (w *worker) Deliveries(ctx context.Context, attempts []schemas.Delivery) error {
	refused := make([]bool, len(attempts))
	counts := map[string]int{}
	w.mu.Lock()
	for n := range attempts {
		a := &attempts[n]
		receives := w.holding.receives(a.RowKey, a.Revision)
		a.Attempt = int32(receives)
		if refused[n] = a.Outcome == delivery.Dead; refused[n] && (w.queue.maxReceives == 0 || receives < w.queue.maxReceives) {
			a.Outcome = delivery.Retry
		}
		counts[a.Outcome]++
	}
	w.mu.Unlock()
	if err := w.to.Log.Deliveries(ctx, attempts); err != nil {
		return err
	}
	if count := w.to.Deps.Attempted; count != nil {
		for outcome, n := range counts {
			count(outcome, n)
		}
	}
	done, again := w.sort(attempts, refused)
	w.settle(ctx, done, again)
	return nil
}

// sort takes what is settled off the books: done is to be deleted, again is what the destination refused. A revision that was refused makes
// older ones obsolete all the same.
func (w *worker) sort(attempts []schemas.Delivery, refused []bool) (done, again []*held) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.watch.Now()
	for n := range attempts {
		a := &attempts[n]
		switch {
		case refused[n]:
			w.refused[a.RowKey] = a.Revision
			w.done.add(a.RowKey, a.Revision-1, now)
			for _, m := range w.holding.take(a.RowKey, a.Revision) {
				if m.revision < a.Revision {
					done = append(done, m)
				} else {
					again = append(again, m)
				}
			}
		case a.Outcome != delivery.Retry:
			delete(w.refused, a.RowKey)
			w.done.add(a.RowKey, a.Revision, now)
			done = append(done, w.holding.take(a.RowKey, a.Revision)...)
		}
	}
	return done, again
}
