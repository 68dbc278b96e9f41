package sqs

import (
	"context"
	"errors"
	"time"

	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// later is a record that the destination takes after a while: delivery.RefusedItem.Later. Its message is held, hidden from others for up to the 12
// hours of SQS, and read no more, so that waiting costs no receives. Where too many are held, or the run ends, the queue hides it instead.
type later struct {
	item  delivery.Item
	after time.Duration
	due   time.Time // by the watch
	kept  bool      // the worker holds the message
	noted bool      // that is written down
}

// sieve is the destination as the engine has it: what it says about later is kept for the worker.
type sieve struct {
	delivery.Destination
	w *worker
}

// Send implements delivery.Destination.
func (s *sieve) Send(ctx context.Context, items []delivery.Item) error {
	err := s.Destination.Send(ctx, items)
	var refused *delivery.Refused
	said := map[int]time.Duration{}
	if errors.As(err, &refused) {
		for _, r := range refused.Items {
			said[r.Index] = r.Later
		}
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for n := range items {
		if said[n] > 0 {
			s.w.putOff(items[n], said[n])
		} else {
			delete(s.w.later, items[n].Key)
		}
	}
	return err
}

// putOff notes when a record is to be posted again. w.mu is held.
func (w *worker) putOff(i delivery.Item, after time.Duration) {
	delete(w.later, i.Key)
	i.Again = true // the lane has settled this revision
	kept := !w.fed() && w.waitingLater() < w.most/2
	w.later[i.Key] = later{item: i, after: after, due: w.watch.Now().Add(after), kept: kept}
}

// waitingLater is how many messages are held until later; they come on top of those that are to be posted. w.mu is held.
func (w *worker) waitingLater() (n int) {
	for _, l := range w.later {
		if l.kept {
			n++
		}
	}
	return n
}

// resume lists the records that are to be posted again now.
func (w *worker) resume() (due []delivery.Item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.watch.Now()
	for key, l := range w.later {
		if !l.noted || l.due.After(now) {
			continue
		}
		if newest, ok := w.holding.newest(key); ok && newest == l.item.Revision {
			due = append(due, l.item)
		}
		delete(w.later, key)
	}
	return due
}

// letGo gives the queue what is held until later: nobody waits for it any more.
func (w *worker) letGo() (back []*held) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.watch.Now()
	for key, l := range w.later {
		if !l.noted {
			continue
		}
		delete(w.later, key)
		for _, m := range w.holding.take(key, l.item.Revision) {
			m.again = max(0, l.due.Sub(now))
			w.away[m.id] = l.due
			back = append(back, m)
		}
	}
	return back
}

// hidden is how many messages are in the queue until the destination takes them.
func (w *worker) hidden() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.watch.Now()
	for id, until := range w.away {
		if until.Before(now) {
			delete(w.away, id)
			continue
		}
		n++
	}
	return n
}
