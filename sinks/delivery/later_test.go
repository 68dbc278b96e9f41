package delivery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// What a destination may take later is sent again then; nothing else waits, and the log is not committed beyond it.
func TestLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, l := newPlace(), &ledger{}
		began := clock.Now()
		hired := began.Add(time.Hour)
		asked := 0
		d := refusing{p, func(items []delivery.Item) error {
			for n, i := range items {
				if i.Key == "queue/t/0" && clock.Now().Before(hired) {
					asked++
					delete(p.holds, i.Key)
					return &delivery.Refused{Items: []delivery.RefusedItem{{Index: n, Reason: "unknown", Detail: "not hired yet", Later: 20 * time.Minute}}}
				}
			}
			return nil
		}}
		e := delivery.New(d, plan, delivery.Options{When: "provisional", Attempts: 2}, deps())
		ctx, cancel := context.WithCancel(t.Context())
		lane := e.Lane(ctx, l, 0, nil)
		defer lane.Leave()
		defer cancel()
		log := []record{{"queue/t/0", 1, true}, {"queue/t/1", 1, true}, {"queue/t/2", 1, true}}
		for n, r := range log {
			lane.Take(item(r), int64(n))
		}
		lane.Passed(int64(len(log)))
		lane.Caught()
		safeAt := func(after time.Duration) int64 {
			for clock.Since(began) < after {
				lane.Turn()
				_ = clock.Sleep(ctx, time.Second)
			}
			safe, _ := lane.Safe()
			return safe
		}
		if safe := safeAt(time.Minute); safe != 0 || lane.Pending() != 1 {
			t.Errorf("after a minute %d is safe, and %d are pending", safe, lane.Pending())
		}
		if safe := safeAt(2 * time.Hour); safe != 3 || len(l.letters) > 0 {
			t.Errorf("after two hours %d is safe, with %d dead letters", safe, len(l.letters))
		}
		if asked != 3 {
			t.Errorf("asked %d times in vain, want 3", asked)
		}
		p.expect(t, newest(log, delivery.Provisional))
	})
}
