package deliverytest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// ledger is the delivery.Log of a lane: it outlives the engine, as the topic of deliveries does.
type ledger struct {
	mu       sync.Mutex
	attempts []schemas.Delivery
	letters  []schemas.DeadLetter
}

// handle is one engine's way to the ledger. A killed engine writes nothing any more.
type handle struct {
	*ledger
	dead func() bool
}

var errKilled = errors.New("killed")

func (h handle) Deliveries(_ context.Context, a []schemas.Delivery) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead() {
		return errKilled
	}
	h.attempts = append(h.attempts, a...)
	return nil
}

func (h handle) DeadLetters(_ context.Context, d []schemas.DeadLetter) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead() {
		return errKilled
	}
	h.letters = append(h.letters, d...)
	return nil
}

// settled is at which revision each key was delivered, or given up.
func (l *ledger) settled() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := map[string]int64{}
	for _, a := range l.attempts {
		if a.Outcome != delivery.Retry {
			done[a.RowKey] = max(done[a.RowKey], a.Revision)
		}
	}
	return done
}

// twice lists what was written down as delivered more than once.
func (l *ledger) twice() (list []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := map[string]bool{}
	for _, a := range l.attempts {
		name := fmt.Sprintf("%s@%d", a.RowKey, a.Revision)
		if a.Outcome == delivery.Delivered {
			if seen[name] {
				list = append(list, name)
			}
			seen[name] = true
		}
	}
	return list
}

// count is how many attempts had the outcome.
func (l *ledger) count(outcome string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.attempts {
		if a.Outcome == outcome {
			n++
		}
	}
	return n
}

// dead are the dead letters.
func (l *ledger) dead() []schemas.DeadLetter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]schemas.DeadLetter(nil), l.letters...)
}
