package deliverytest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Attempts delivers items once, as a run that ends does, and returns what is written down of them until all are delivered or dead.
func Attempts(t testing.TB, d sinks.Delivering, items ...delivery.Item) []schemas.Delivery {
	t.Helper()
	d.Options.When, d.Options.Attempts = string(delivery.Provisional), 2
	e := delivery.New(d.Destination, d.Plan, d.Options, delivery.Deps{Tenant: "acme", Pipeline: "p", Name: "s", Drain: true, Watch: clock.Wall, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	l := &attempts{}
	lane := e.Lane(ctx, l, 0, nil)
	for n, i := range items {
		lane.Take(i, int64(n))
	}
	lane.Passed(int64(len(items)))
	lane.Caught()
	for safe := int64(0); safe < int64(len(items)); {
		lane.Turn()
		var err error
		if safe, err = lane.Safe(); err != nil || clock.Sleep(ctx, time.Millisecond) != nil {
			t.Fatalf("%d of %d items are settled: %v", safe, len(items), err)
		}
	}
	cancel()
	lane.Leave()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list
}

type attempts struct {
	mu   sync.Mutex
	list []schemas.Delivery
}

func (a *attempts) Deliveries(_ context.Context, list []schemas.Delivery) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, list...)
	return nil
}

func (a *attempts) DeadLetters(context.Context, []schemas.DeadLetter) error { return nil }
