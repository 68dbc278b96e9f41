package deliverytest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// whole delivers everything without a fault, and learns how that goes.
func (s *suite) whole(t *testing.T) {
	t.Helper()
	w := newWorld(t, s.c, 0)
	w.log = w.history(1, 2)
	if len(w.log) == 0 {
		t.Fatal("the sink takes no kind of record")
	}
	w.start(t)
	between := w.running.between
	w.settle(t)
	w.check(t)
	if t.Failed() {
		t.FailNow()
	}
	s.requests, s.took = between.requests, between.took/time.Duration(between.requests)
	s.rows = slices.ContainsFunc(w.log, func(i delivery.Item) bool { return i.Seconds > 0 }) // whose user may want zeros, whatever its plan
	s.poison, s.http = w.destination.Poison != nil, w.way != nil
	if s.http {
		s.asked = w.way.asked()
	}
	if w.wire != nil {
		s.bytes = w.wire.count()
	}
}

// The ledger is lost: everything is sent again, and it is as if it had been sent once.
func sameWriteTwice(t *testing.T, c *Case) {
	w := newWorld(t, c, 0)
	w.log = w.history(1, 2)
	w.settle(t)
	w.check(t)
	w.ledger, w.committed = &ledger{}, 0
	w.settle(t)
	w.check(t)
}

func correction(t *testing.T, c *Case) {
	w := newWorld(t, c, 0)
	for revision := range int64(4) {
		w.log = append(w.log, w.history(revision+1, revision+1)...)
		w.settle(t)
	}
	w.check(t)
	w.log = append(w.log, w.history(7, 7)[:2]...) // some rows only, by another process
	w.settle(t)
	w.check(t)
}

// Rows come one by one, and some again after a newer one has gone: as after a rebalance.
func anyOrder(t *testing.T, c *Case) {
	w := newWorld(t, c, 0)
	for n, i := range w.history(1, 4) {
		w.log = append(w.log, i)
		if n%7 == 6 {
			w.log = append(w.log, w.log[n/2])
			if w.running == nil {
				w.start(t)
			}
			w.until(time.Duration(n%3)*time.Millisecond, w.through)
		}
	}
	w.settle(t)
	w.check(t)
}

// Of every request that holds a certain row, all others are taken.
func partialFailure(t *testing.T, c *Case) {
	w := newWorld(t, c, 0)
	w.log = w.history(1, 3)
	w.start(t)
	bad := w.name(w.log[1])
	w.poisoned[bad] = true
	w.running.between.only = func(i *delivery.Item) bool { return i.Key != bad }
	w.settle(t)
	w.expectLetter(t, bad)
	w.check(t)
}

// The destination itself refuses a row, however it says so.
func poison(t *testing.T, c *Case) {
	w := newWorld(t, c, 0)
	chosen := map[string]bool{}
	for n, i := range w.history(1, 1) {
		chosen[i.Key] = n%3 == 1
	}
	for _, i := range w.history(1, 2) {
		if chosen[i.Key] {
			changed := copied(i)
			if w.destination.Poison(&changed) {
				i = changed
				w.poisoned[i.Key] = true
			}
		}
		w.log = append(w.log, i)
	}
	if len(w.poisoned) == 0 {
		t.Fatal("Poison changed nothing")
	}
	w.settle(t)
	for key := range w.poisoned {
		w.expectLetter(t, key)
	}
	w.check(t)
}

// expectLetter asks for a dead letter of what is delivered under a name.
func (w *world) expectLetter(t *testing.T, name string) {
	t.Helper()
	for _, d := range w.ledger.dead() {
		if w.about(&d) == name && d.Reason != "" {
			return
		}
	}
	t.Errorf("no dead letter for %s", name)
}

// Rows of zeros come first, and the rows that arrive late replace them.
func zeroRows(t *testing.T, c *Case) {
	w := newWorld(t, c, 0)
	w.start(t)
	for _, i := range w.history(1, 1) {
		if i.Seconds > 0 {
			w.log = append(w.log, zero(i))
		}
	}
	w.settle(t)
	w.log = append(w.log, w.history(1, 1)[:3]...)
	w.settle(t)
	w.check(t)
}

// The destination took what it was sent, and says nothing: it is sent again, and counted once.
func lostAnswers(t *testing.T, c *Case) {
	w := newWorld(t, c, 0)
	w.log = w.history(1, 2)
	w.start(t)
	w.running.between.after = func(n int, _ []delivery.Item) error {
		if n%2 == 1 && n < 12 {
			return errLost
		}
		return nil
	}
	w.settle(t)
	w.log = append(w.log, w.history(3, 3)...)
	w.settle(t)
	w.check(t)
}

// The engine is killed before a request reaches the destination, and before its answer is written down.
func restarts(t *testing.T, s *suite) {
	c, requests := s.c, s.requests
	for _, before := range []bool{true, false} {
		for _, at := range places(requests) {
			t.Run(fmt.Sprintf("request %d, answered %t", at, !before), func(t *testing.T) {
				w := newWorld(t, c, 0)
				w.log = w.history(1, 2)
				r := w.start(t)
				reached := make(chan struct{})
				hook := func(n int, _ []delivery.Item) error {
					if n == at {
						r.dead.Store(true) // from here on nothing is written down
						r.cancel()
						close(reached)
						return context.Canceled
					}
					return nil
				}
				if before {
					r.between.before = hook
				} else {
					r.between.after = hook
				}
				w.until(c.Patience, func() bool {
					select {
					case <-reached:
						return true
					default:
						return w.through()
					}
				})
				w.kill()
				w.log = append(w.log, w.history(3, 3)...)
				w.settle(t)
				w.check(t)
			})
		}
	}
}

// The engine is told to end at any moment, and another goes on.
func cancelled(t *testing.T, c *Case) {
	w := newWorld(t, c, 0)
	for n := range 8 {
		w.log = append(w.log, w.history(int64(n+1), int64(n+1))...)
		w.start(t)
		w.until(time.Duration(n*n)*time.Millisecond/4, w.through)
		w.stop(t)
	}
	w.settle(t)
	w.check(t)
}

// The destination's clock is hours ahead of ours, or behind.
func clockSkew(t *testing.T, c *Case) {
	for _, skew := range []time.Duration{3 * time.Hour, -3 * time.Hour} {
		w := newWorld(t, c, skew)
		w.log = w.history(1, 2)
		w.start(t)
		if w.way != nil {
			w.way.put(throttledTill, 1)
		}
		w.settle(t)
		w.check(t)
	}
}

// What the sink signs its requests with is not accepted any more.
func expiredToken(t *testing.T, s *suite) {
	c := s.c
	f := func(name string, expire func(w *world)) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c, 0)
			w.log = w.history(1, 1)
			w.settle(t)
			expire(w)
			w.log = append(w.log, w.history(2, 2)...)
			w.settle(t) // by itself, and after a restart
			w.stop(t)
			w.log = append(w.log, w.history(3, 3)...)
			w.settle(t)
			w.check(t)
		})
	}
	w := newWorld(t, c, 0)
	if w.destination.Expire != nil {
		f("by the destination", func(w *world) { w.destination.Expire() })
	}
	if s.http {
		f("one request", func(w *world) { w.way.put(unauthorized, 1) })
	}
	f("without renewal", func(w *world) {
		b, first := w.running.between, true
		b.mu.Lock()
		defer b.mu.Unlock()
		b.before = func(int, []delivery.Item) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if first {
				first = false
				return &httpcall.Error{Kind: httpcall.Refused, Status: 401}
			}
			return nil
		}
	})
}

// The destination is away for a day, while rows go on coming. It is not stormed meanwhile, and nothing is given up.
func outage(t *testing.T, c *Case) {
	w := newWorld(t, c, 0)
	r := w.start(t)
	asked := 0
	back := w.watch.Now().Add(24 * time.Minute)
	r.between.before = func(int, []delivery.Item) error {
		if w.watch.Now().Before(back) {
			asked++ // one request at a time, while it is away
			return &httpcall.Error{Kind: httpcall.Transient, Status: 503}
		}
		return nil
	}
	for revision := range int64(5) {
		w.log = append(w.log, w.history(revision+1, revision+1)...)
		w.until(100*time.Millisecond, w.through)
	}
	w.settle(t)
	w.check(t)
	if asked > 40 {
		t.Errorf("it was asked %d times while it was away", asked)
	}
	if got := w.ledger.count(delivery.Dead); got > 0 {
		t.Errorf("%d records were given up in an outage", got)
	}
}

// places are the first of so many requests, and one in their middle.
func places(requests int) []int {
	if requests < 2 {
		return []int{1}
	}
	return []int{1, requests/2 + 1}
}

// meets lets one request in turn meet each of some faults.
func meets(list ...fault) func(t *testing.T, s *suite) {
	return func(t *testing.T, s *suite) {
		for _, f := range list {
			for _, at := range places(s.asked) {
				t.Run(fmt.Sprintf("%s at request %d", f, at), func(t *testing.T) {
					w := newWorld(t, s.c, 0)
					w.log = w.history(1, 2)
					w.way.put(f, at)
					w.settle(t)
					w.check(t)
				})
			}
		}
	}
}

// The connection ends before a request, in the middle of it, and after it: wherever that is.
func connectionLost(t *testing.T, s *suite) {
	if s.http {
		meets(dropped, cut, lost)(t, s)
		return
	}
	for _, part := range []float64{0.1, 0.3, 0.5, 0.7, 0.9} {
		t.Run(fmt.Sprintf("after %.0f %% of the bytes", 100*part), func(t *testing.T) {
			w := newWorld(t, s.c, 0)
			w.log = w.history(1, 2)
			w.wire.cut(int64(part * float64(s.bytes)))
			w.settle(t)
			w.check(t)
		})
	}
}

// quiet lets the destination say nothing, or speak again.
func (w *world) quiet(on bool) (heard <-chan struct{}) {
	if w.wire != nil {
		w.wire.silence(on)
		return w.wire.waiting
	}
	w.way.put(map[bool]fault{true: silent}[on], 0)
	return w.way.waiting
}

// The destination says nothing, and the sink is told to end.
func silence(t *testing.T, c *Case) {
	w := newWorld(t, c, 0)
	w.log = w.history(1, 2)
	waiting := w.quiet(true)
	w.start(t)
	heard := w.until(c.Patience, func() bool {
		select {
		case <-waiting:
			return true
		default:
			return false
		}
	})
	if !heard {
		t.Fatal("no request arrived")
	}
	w.stop(t)
	w.quiet(false)
	w.settle(t)
	w.check(t)
}

// copied is an item whose record may be changed.
func copied(i delivery.Item) delivery.Item {
	switch {
	case i.Queue != nil:
		r := *i.Queue
		i.Queue = &r
	case i.AgentQueue != nil:
		r := *i.AgentQueue
		i.AgentQueue = &r
	case i.Agent != nil:
		r := *i.Agent
		i.Agent = &r
	case i.Contact != nil:
		r := *i.Contact
		i.Contact = &r
	case i.AgentState != nil:
		r := *i.AgentState
		i.AgentState = &r
	case i.Worker != nil:
		r := *i.Worker
		i.Worker = &r
	}
	return i
}
