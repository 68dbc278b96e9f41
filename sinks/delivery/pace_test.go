package delivery_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// stream is a lane that always has something to send to a place.
type stream struct {
	engine *delivery.Engine
	lane   *delivery.Lane
	step   time.Duration
	began  time.Time
	next   int64
	cancel context.CancelFunc
}

func newStream(t *testing.T, p *place, plan delivery.Plan) *stream {
	ctx, cancel := context.WithCancel(t.Context())
	s := &stream{engine: delivery.New(p, plan, delivery.Options{When: "final", Attempts: 8}, deps()), step: time.Second, began: clock.Now(), cancel: cancel}
	s.lane = s.engine.Lane(ctx, &ledger{}, 0, nil)
	s.lane.Caught()
	return s
}

// until goes on until so long after the beginning, step by step.
func (s *stream) until(t *testing.T, at time.Duration) {
	for clock.Since(s.began) < at {
		for s.lane.Pending() < 1000 {
			s.lane.Take(item(record{fmt.Sprint("queue/t/", s.next), 1, true}), s.next)
			s.next++
		}
		s.lane.Passed(s.next)
		s.lane.Turn()
		_ = clock.Sleep(t.Context(), s.step)
	}
}

func (s *stream) end() {
	s.cancel()
	s.lane.Leave()
}

var wide = delivery.Plan{Kinds: []string{"queue_interval"}, Items: 5, Concurrency: 8}

// Requests that are under way together fail together when a destination hiccups. That is one failure: the pause is the one that is asked for,
// and half as many requests are under way afterwards.
func TestAHiccupIsOneFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		p.took = time.Second
		var failed []time.Duration
		var s *stream
		p.fault = func(int, []delivery.Item) error {
			if at := clock.Since(s.began); at > time.Minute && at <= 61*time.Second {
				failed = append(failed, at)
				return &httpcall.Error{Kind: httpcall.Throttled, Status: 429, RetryAfter: 2 * time.Second}
			}
			return nil
		}
		s = newStream(t, p, wide)
		s.step = 100 * time.Millisecond
		defer s.end()
		s.until(t, time.Minute)
		_ = clock.Sleep(t.Context(), 50*time.Millisecond) // nothing ends now
		synctest.Wait()
		if at := s.engine.State().Sending; at != 8 {
			t.Fatalf("%d requests are under way after a minute, want 8", at)
		}
		s.until(t, 61*time.Second+500*time.Millisecond)
		if len(failed) != 8 {
			t.Fatalf("%d requests failed, want 8", len(failed))
		}
		if pause := s.engine.State().Pause.Sub(s.began); pause > failed[7]+2*time.Second || pause < failed[0]+2*time.Second {
			t.Errorf("the pause ends after %s, want 2 s after the failures at %s", pause, failed)
		}
		s.until(t, 65*time.Second) // 2 s for the pause, 1 s for the trial
		if at := s.engine.State(); at.Allowed < 4 || at.Sending < 4 {
			t.Errorf("after a pause %d requests may be under way and %d are, want 4 at least", at.Allowed, at.Sending)
		}
	})
}

// Failures in a row, each after a pause, are as many failures: pauses grow.
func TestPausesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		var asked []time.Duration
		var s *stream
		p.fault = func(int, []delivery.Item) error {
			asked = append(asked, clock.Since(s.began))
			return &httpcall.Error{Kind: httpcall.Transient, Status: 503}
		}
		s = newStream(t, p, wide)
		defer s.end()
		s.until(t, time.Hour)
		if n := len(asked); n < 15 || n > 40 { // of 1 s, 2 s, 4 s, ... 5 min, and at least half of each
			t.Errorf("asked %d times within the hour of an outage: %s", n, asked)
		}
		for i := 10; i < len(asked); i++ {
			if pause := asked[i] - asked[i-1]; pause < 150*time.Second || pause > 302*time.Second {
				t.Errorf("pause %d is %s, want 2.5 to 5 min", i, pause)
			}
		}
	})
}

// A destination is left alone for as long as it asks, but not for a year; a refused credential for ten minutes, and a quota that is spent
// until there is some again, however long that is.
func TestPausesThatAreAskedFor(t *testing.T) {
	f := func(name string, fault error, want time.Duration) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace()
				var asked []time.Duration
				var s *stream
				p.fault = func(int, []delivery.Item) error {
					if asked = append(asked, clock.Since(s.began)); len(asked) == 1 {
						return fault
					}
					return nil
				}
				s = newStream(t, p, wide)
				defer s.end()
				s.until(t, want+10*time.Second)
				if len(asked) < 2 {
					t.Fatalf("asked at %s, and not again within %s", asked, want+10*time.Second)
				}
				if pause := asked[1] - asked[0]; pause < want || pause > want+2*time.Second {
					t.Errorf("asked again after %s, want %s", pause, want)
				}
			})
		})
	}
	f("429", &httpcall.Error{Kind: httpcall.Throttled, Status: 429, RetryAfter: 90 * time.Second}, 90*time.Second)
	f("503", &httpcall.Error{Kind: httpcall.Transient, Status: 503, RetryAfter: 7 * time.Minute}, 7*time.Minute)
	f("a year", &httpcall.Error{Kind: httpcall.Throttled, Status: 429, RetryAfter: 365 * 24 * time.Hour}, time.Hour)
	f("401", &httpcall.Error{Kind: httpcall.Refused, Status: 401}, 10*time.Minute)
	f("a locked credential", fmt.Errorf("send: %w", quota.ErrLocked), 10*time.Minute)
	synctest.Test(t, func(t *testing.T) {
		f := &quota.Exhausted{Operation: "call", Until: clock.Now().Add(20 * time.Hour)}
		p := newPlace()
		p.fault = func(int, []delivery.Item) error {
			if clock.Now().Before(f.Until) {
				return f
			}
			return nil
		}
		s := newStream(t, p, wide)
		defer s.end()
		s.until(t, 19*time.Hour)
		if p.requests != 1 {
			t.Errorf("%d requests while the quota is spent, want 1", p.requests)
		}
	})
}

// A row waits for its delay after the end of its interval, and no longer.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = 40 * time.Minute
		p, l := newPlace(), &ledger{}
		sent := map[string]time.Time{}
		p.fault = func(_ int, items []delivery.Item) error {
			for _, i := range items {
				sent[i.Key] = clock.Now()
			}
			return nil
		}
		e := delivery.New(p, plan, delivery.Options{When: "final", Delay: delay, Attempts: 8}, deps())
		ctx, cancel := context.WithCancel(t.Context())
		lane := e.Lane(ctx, l, 0, nil)
		defer lane.Leave()
		defer cancel()
		lane.Caught()
		began := clock.Now()
		ends := map[string]time.Time{}
		for n := range int64(4) { // whose intervals end now, in 15 min, ...
			i := item(record{fmt.Sprint("queue/t/", n), 1, true})
			i.Start = began.Add(time.Duration(n-1) * 15 * time.Minute).UnixMilli()
			ends[i.Key] = time.UnixMilli(i.Start).Add(15 * time.Minute)
			lane.Take(i, n)
		}
		lane.Passed(4)
		for clock.Since(began) < 2*time.Hour {
			lane.Turn()
			_ = clock.Sleep(ctx, time.Second)
		}
		for key, end := range ends {
			if late := sent[key].Sub(end); late < delay || late > delay+2*time.Second {
				t.Errorf("%s was sent %s after its interval's end, want %s", key, late, delay)
			}
		}
	})
}
