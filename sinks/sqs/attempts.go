package sqs

import (
	"context"
	"strconv"
	"strings"

	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// A worker is its lane's log: it writes down what became of records, and after that deletes their messages or leaves them to the queue.
var _ delivery.Log = (*worker)(nil)

// fate is what becomes of a message whose record the destination does not take.
type fate int

const (
	again    fate = iota // the queue gives it out again
	postpone             // it is posted again when the destination said
	buried               // it is given up
)

// fate decides, given how often the message was read. w.mu is held.
func (w *worker) fate(key string, revision int64, receives int) fate {
	last := receives >= w.tries()
	switch l, ok := w.later[key]; {
	case ok && l.item.Revision == revision && (l.kept || !last):
		return postpone
	case last:
		return buried
	}
	return again
}

// tries is how often a message is read at most: as the redrive policy says, or else as often as a record is tried anywhere.
func (w *worker) tries() int {
	if w.queue.maxReceives > 0 {
		return w.queue.maxReceives
	}
	return max(1, w.to.Options.Attempts)
}

// DeadLetters writes letters of what is given up, named as the log names it. The messages of all others are still in the queue.
func (w *worker) DeadLetters(ctx context.Context, letters []schemas.DeadLetter) error {
	var written []schemas.DeadLetter
	w.mu.Lock()
	for _, d := range letters {
		key, text := d.Location, ""
		if at := strings.LastIndexByte(d.Location, '@'); at >= 0 {
			key, text = d.Location[:at], d.Location[at+1:]
		}
		revision, err := strconv.ParseInt(text, 10, 64)
		receives := w.holding.receives(key, revision)
		if err == nil && w.fate(key, revision, receives) != buried {
			continue
		}
		if origin := w.holding.origin(key, revision); origin != "" {
			d.Location = origin
		}
		written = append(written, d)
	}
	w.mu.Unlock()
	if len(written) == 0 {
		return nil
	}
	err := w.to.Log.DeadLetters(ctx, written)
	crash.Point(crash.QueueLettersWritten)
	return err
}

// Deliveries writes attempts down. The attempt is how often the queue gave the message out; it is dead when no other follows.
func (w *worker) Deliveries(ctx context.Context, attempts []schemas.Delivery) error {
	crash.Point(crash.QueuePosted)
	fates := make([]fate, len(attempts))
	refused := make([]bool, len(attempts))
	counts := map[string]int{}
	w.mu.Lock()
	for n := range attempts {
		a := &attempts[n]
		receives := w.holding.receives(a.RowKey, a.Revision)
		a.Attempt = int32(receives)
		if refused[n] = a.Outcome == delivery.Dead; refused[n] {
			if fates[n] = w.fate(a.RowKey, a.Revision, receives); fates[n] != buried {
				a.Outcome = delivery.Retry
			}
		}
		counts[a.Outcome]++
	}
	w.mu.Unlock()
	if err := w.to.Log.Deliveries(ctx, attempts); err != nil {
		return err
	}
	crash.Point(crash.QueueRecorded)
	if count := w.to.Deps.Attempted; count != nil {
		for outcome, n := range counts {
			count(outcome, n)
		}
	}
	done, back := w.sort(attempts, refused, fates)
	w.settle(ctx, done, back)
	return nil
}

// sort takes what is settled off the books: done is to be deleted, back is what goes back into the queue for a while. A revision that was
// refused makes older ones obsolete all the same.
func (w *worker) sort(attempts []schemas.Delivery, refused []bool, fates []fate) (done, back []*held) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.watch.Now()
	for n := range attempts {
		a := &attempts[n]
		switch {
		case refused[n]:
			w.refused[a.RowKey] = a.Revision
			w.done.add(a.RowKey, a.Revision-1, now)
			older, own := w.letGoOf(a, fates[n])
			done, back = append(done, older...), append(back, own...)
		case a.Outcome != delivery.Retry:
			delete(w.refused, a.RowKey)
			delete(w.later, a.RowKey)
			w.done.add(a.RowKey, a.Revision, now)
			done = append(done, w.holding.take(a.RowKey, a.Revision)...)
		}
	}
	return done, back
}

// letGoOf lets go of a record that was refused: of the messages of older revisions, and of its own unless it is held until later. w.mu is held.
func (w *worker) letGoOf(a *schemas.Delivery, f fate) (done, back []*held) {
	l := w.later[a.RowKey]
	if f == postpone && l.kept {
		l.noted = true
		w.later[a.RowKey] = l
		return w.holding.take(a.RowKey, a.Revision-1), nil
	}
	delete(w.later, a.RowKey)
	for _, m := range w.holding.take(a.RowKey, a.Revision) {
		switch {
		case m.revision < a.Revision, f == buried && w.queue.maxReceives == 0: // nobody else takes it out of the queue
			done = append(done, m)
		case f == postpone:
			m.again = l.after
			w.away[m.id] = w.watch.Now().Add(l.after)
			back = append(back, m)
		default:
			m.again = w.o.Inbox.Again
			back = append(back, m)
		}
	}
	return done, back
}
