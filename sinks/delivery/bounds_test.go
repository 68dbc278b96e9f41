package delivery_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// The destination is away for a day, and the log grows: lanes hold no more than they may together, and go on where they were.
func TestALongOutageFillsNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lanes, rows = 4, 30_000
		p, l := newPlace(), &ledger{}
		p.fault = func(int, []delivery.Item) error { return errors.New("connection refused") }
		big := plan
		big.Items = 2000
		e := delivery.New(p, big, delivery.Options{When: "final", Attempts: 8}, deps())
		var all []*delivery.Lane
		next := make([]int64, lanes)
		for range lanes {
			all = append(all, e.Lane(t.Context(), l, 0, nil))
			all[len(all)-1].Caught()
		}
		most := 0
		turn := func() (through bool) {
			through = true
			for n, lane := range all {
				for ; lane.Room() && next[n] < rows; next[n]++ {
					lane.Take(item(record{fmt.Sprintf("queue/%d/%d", n, next[n]), 1, true}), next[n])
				}
				lane.Passed(next[n])
				lane.Turn()
				safe, _ := lane.Safe()
				through = through && safe == rows
			}
			most = max(most, e.State().Pending)
			_ = clock.Sleep(t.Context(), time.Second)
			return through
		}
		for range 24 * 3600 / 20 {
			turn()
			_ = clock.Sleep(t.Context(), 20*time.Second)
		}
		if most > 60_000 || most < 50_000 {
			t.Errorf("%d records were held in memory", most)
		}
		synctest.Wait()
		p.mu.Lock()
		if n := len(l.letters); n > 0 {
			t.Errorf("%d dead letters", n)
		}
		if p.requests > 1000 {
			t.Errorf("%d requests while it was away", p.requests)
		}
		p.fault = nil
		p.mu.Unlock()
		back := clock.Now()
		for !turn() {
			if clock.Since(back) > time.Hour {
				t.Fatal("it does not catch up")
			}
		}
		for _, lane := range all {
			lane.Leave()
		}
		if len(p.holds) != lanes*rows {
			t.Errorf("the destination holds %d rows, not %d", len(p.holds), lanes*rows)
		}
		if again := p.twice(); len(again) > 0 {
			t.Errorf("%d sent again", len(again))
		}
	})
}

// A destination that answers slowly is asked as often at once as it may be.
func TestASlowDestinationIsKeptBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, l := newPlace(), &ledger{}
		p.took = 50 * time.Millisecond
		slow := delivery.Plan{Kinds: plan.Kinds, Items: 100, Concurrency: 8}
		e := delivery.New(p, slow, delivery.Options{When: "final", Attempts: 8}, deps())
		lane := e.Lane(t.Context(), l, 0, nil)
		const rows = 50_000
		for n := range int64(rows) {
			lane.Take(item(record{fmt.Sprint("queue/t/", n), 1, true}), n)
		}
		lane.Passed(rows)
		lane.Caught()
		_ = clock.Sleep(t.Context(), time.Second)
		began := clock.Now()
		for safe := int64(0); safe < rows; safe, _ = lane.Safe() {
			lane.Turn()
			_ = clock.Sleep(t.Context(), 10*time.Millisecond)
		}
		// 500 requests of 50 ms, 8 at once: 3.1 s, and a little more until there are 8.
		if took := clock.Since(began); took > 3600*time.Millisecond {
			t.Errorf("%d rows took %s", rows, took)
		}
		lane.Leave()
	})
}

// What the log repeats after it was delivered is not sent again, and nothing goes back.
func TestTheLogRepeatsItself(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 4))
			p, l := newPlace(), &ledger{}
			p.took = 100 * time.Millisecond
			log := history(r, 10, 100)
			for range 60 {
				n := r.IntN(len(log))
				at := min(len(log), n+1+r.IntN(40))
				log = append(log[:at:at], append([]record{log[n]}, log[at:]...)...)
			}
			deliver(p, l, delivery.Options{When: "provisional", Attempts: 8}, log, 0, 24*time.Hour, new(int64))
			want := map[string]int64{}
			for _, r := range log {
				want[r.key] = max(want[r.key], r.revision)
			}
			p.expect(t, want)
			if again := p.twice(); len(again) > 0 {
				t.Errorf("sent again: %v", again)
			}
		})
	}
}
