package deliverytest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// between stands between the engine and the sink's destination: faults there need no HTTP. It checks what the engine promises too.
type between struct {
	delivery.Destination

	mu       sync.Mutex
	requests int
	took     time.Duration // all requests together
	busy     map[string]bool
	problems []string
	before   func(request int, items []delivery.Item) error // judged before the destination is asked
	after    func(request int, items []delivery.Item) error // what came of it is not what is answered
	only     func(i *delivery.Item) bool                    // of a request only these are passed on, the others are refused
}

func (b *between) Send(ctx context.Context, items []delivery.Item) error {
	n := b.enter(items)
	defer b.exit(items, clock.Now())
	if b.before != nil {
		if err := b.before(n, items); err != nil {
			return err
		}
	}
	err := b.pass(ctx, items)
	if err == nil && b.after != nil {
		err = b.after(n, items)
	}
	return err
}

// pass hands on what may pass.
func (b *between) pass(ctx context.Context, items []delivery.Item) error {
	if b.only == nil {
		return b.Destination.Send(ctx, items)
	}
	var passed []delivery.Item
	var at []int
	refused := &delivery.Refused{}
	for n := range items {
		if b.only(&items[n]) {
			passed, at = append(passed, items[n]), append(at, n)
			continue
		}
		refused.Items = append(refused.Items, delivery.RefusedItem{Index: n, Reason: "test", Detail: "refused by the test"})
	}
	if len(passed) > 0 {
		err := b.Destination.Send(ctx, passed)
		var own *delivery.Refused
		if errors.As(err, &own) {
			for _, r := range own.Items {
				r.Index = at[r.Index]
				refused.Items = append(refused.Items, r)
			}
		} else if err != nil {
			return err
		}
	}
	if len(refused.Items) > 0 {
		return refused
	}
	return nil
}

func (b *between) enter(items []delivery.Item) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range items {
		if b.busy[items[i].Key] {
			b.problems = append(b.problems, fmt.Sprintf("%s is in two requests at once", items[i].Key))
		}
		b.busy[items[i].Key] = true
	}
	b.requests++
	return b.requests
}

func (b *between) exit(items []delivery.Item, began time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.took += clock.Since(began)
	for i := range items {
		delete(b.busy, items[i].Key)
	}
}

// Verify passes on, where the destination can be read back.
func (b *between) Verify(ctx context.Context, items []delivery.Item, found func(delivery.Item, string)) error {
	v, ok := b.Destination.(delivery.Verifier)
	if !ok {
		return nil
	}
	return v.Verify(ctx, items, found)
}

var errLost = &httpcall.Error{Kind: httpcall.Transient, Sent: true, Err: errors.New("no answer within a minute")}
