package runtime

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// memoryQueue is a queue in memory, which gives everything out in the order it came.
type memoryQueue struct {
	mu    sync.Mutex
	items []delivery.Item
	known map[string]int64 // what was delivered when the last worker began
}

func (q *memoryQueue) Send(_ context.Context, items []delivery.Item) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, items...)
	return nil
}

func (q *memoryQueue) Close() error { return nil }

func (q *memoryQueue) take() []delivery.Item {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.items), 10)
	batch := q.items[:n]
	q.items = q.items[n:]
	return batch
}

// Run implements sinks.Inbox.
func (q *memoryQueue) Run(ctx context.Context, to sinks.Onward) error {
	q.known = map[string]int64{}
	if err := to.Delivered(ctx, time.Time{}, func(key string, revision int64) { q.known[key] = max(q.known[key], revision) }); err != nil {
		return err
	}
	for ctx.Err() == nil {
		batch := q.take()
		if len(batch) == 0 {
			select {
			case <-to.Fed:
				return nil
			default:
				pause(ctx, 5*time.Millisecond)
				continue
			}
		}
		if err := to.Destination.Send(ctx, batch); err != nil {
			return err
		}
		var attempts []schemas.Delivery
		for _, i := range batch {
			attempts = append(attempts, schemas.Delivery{Sink: to.Deps.Name, RowKey: i.Key, Revision: i.Revision, Outcome: delivery.Delivered, Attempt: 1, AttemptedAt: 1})
		}
		if err := to.Log.Deliveries(ctx, attempts); err != nil {
			return err
		}
	}
	return nil
}

type viaOptions struct{ delivery.Options }

// A run that ends once everything is delivered waits for what is in the queue, and the books of both sinks balance.
func TestDeliveryViaAQueue(t *testing.T) {
	w, q, to := newWorld(t), &memoryQueue{}, newPlace()
	p := pipelineOf(t, history(14), newTableSink())
	queue := deliveringSink("queue", to, delivery.Options{When: "final"})
	queue.Registration.Deliver = func(context.Context, any, sinks.Deps) (sinks.Delivering, error) {
		o := delivery.Options{When: "final", Attempts: 8}
		return sinks.Delivering{Destination: q, Plan: delivery.Plan{Kinds: rowKinds, Items: 25, Concurrency: 4}, Options: o}, nil
	}
	queue.Registration.Inbox = func(context.Context, any, sinks.Deps) (sinks.Inbox, error) { return q, nil }
	behind := deliveringSink("wfm", to, delivery.Options{When: "final"})
	behind.Options = &viaOptions{delivery.Options{Via: "queue"}}
	p.Sinks = append(p.Sinks, behind, queue)
	for range 2 { // the second has nothing to do
		if err := w.run(t.Context(), p, true); err != nil {
			t.Fatal(err)
		}
	}
	direct := *p
	direct.Sinks = []pipelines.Sink{queue}
	want := inLog(t, w, &direct, func(final bool) bool { return final })
	to.expect(t, want)
	for key, revision := range want {
		if q.known[key] != revision {
			t.Errorf("%s: the second run knows of revision %d, want %d", key, q.known[key], revision)
		}
	}
	ledger, err := OpenLedger(t.Context(), p, LedgerOptions{Cluster: w.cluster, Registry: w.registry, Log: slog.New(slog.DiscardHandler), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range ledger.DeliverySinks() {
		d, err := ledger.OpenSink(t.Context(), s, clock.Wall)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		err = ledger.Deliveries(t.Context(), s, &d, nil, func(d *Delivered) error {
			if found++; d.State != StateDelivered {
				t.Errorf("sink %s: %s is %s", s.Name, d.Item.Key, d.State)
			}
			return nil
		})
		if err != nil || found != len(want) {
			t.Errorf("sink %s: %d rows, want %d (%v)", s.Name, found, len(want), err)
		}
	}
}
