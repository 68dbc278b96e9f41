package delivery_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// meter is a destination that answers after a while, and measures how many requests it has meanwhile.
type meter struct {
	answers time.Duration

	mu    sync.Mutex
	has   int
	most  int
	since time.Time
	busy  time.Duration // summed up over requests, since then
	last  time.Time     // a request began or ended
}

func (m *meter) Close() error { return nil }

func (m *meter) Send(ctx context.Context, _ []delivery.Item) error {
	m.change(1)
	defer m.change(-1)
	return clock.Sleep(ctx, m.answers)
}

func (m *meter) change(by int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.note()
	m.has += by
	m.most = max(m.most, m.has)
}

func (m *meter) note() {
	now := clock.Now()
	if m.since.IsZero() {
		m.since, m.last = now, now
	}
	m.busy += time.Duration(m.has) * now.Sub(m.last)
	m.last = now
}

// share is how many requests it had on average of those that it may have, in percent, since it was asked the last time, or first.
func (m *meter) share(limit int) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.has > 0 { // otherwise the last one that ended is the end
		m.note()
	}
	share := 100 * m.busy.Seconds() / (m.last.Sub(m.since).Seconds() * float64(limit))
	m.since, m.busy = m.last, 0
	return share
}

// unhurried is a log that takes its time.
type unhurried struct{ ledger }

func (l *unhurried) Deliveries(ctx context.Context, a []schemas.Delivery) error {
	if err := clock.Sleep(ctx, 20*time.Millisecond); err != nil {
		return err
	}
	return l.ledger.Deliveries(ctx, a)
}

// A destination that answers in 50 ms has as many requests as it may have at any time, although each answer takes 20 ms to be written down:
// all of them once there were as many, and hardly less from the first request to the last.
func TestADestinationIsBusyUpToItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lanes, rows, limit = 4, 25_000, 8
		m, l := &meter{answers: 50 * time.Millisecond}, &unhurried{}
		e := delivery.New(m, delivery.Plan{Kinds: plan.Kinds, Items: 100, Concurrency: limit}, delivery.Options{When: "final", Attempts: 8}, deps())
		var all []*delivery.Lane
		next := make([]int64, lanes)
		for range lanes {
			all = append(all, e.Lane(t.Context(), l, 0, nil))
		}
		turn := func() (through bool) {
			through = true
			for n, lane := range all {
				for ; lane.Room() && next[n] < rows; next[n]++ {
					lane.Take(item(record{fmt.Sprintf("queue/%d/%d", n, next[n]), 1, true}), next[n])
				}
				lane.Passed(next[n])
				lane.Caught()
				lane.Turn()
				safe, _ := lane.Safe()
				through = through && safe == rows
			}
			_ = clock.Sleep(t.Context(), 20*time.Millisecond)
			return through
		}
		for began := clock.Now(); clock.Since(began) < 2*time.Second; {
			turn()
		}
		first := m.share(limit)
		for began := clock.Now(); clock.Since(began) < 3*time.Second; {
			turn()
		}
		then := m.share(limit)
		for !turn() {
		}
		last := m.share(limit)
		if first < 60 || then < 99.9 || last < 95 || m.most != limit {
			t.Errorf("it was asked for %.1f %% of its limit at first, then %.1f %%, then %.1f %%, and for %d at once at most", first, then, last, m.most)
		}
		t.Logf("%.1f %%, %.1f %%, %.1f %%", first, then, last)
		for _, lane := range all {
			lane.Leave()
		}
	})
}
