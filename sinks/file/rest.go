package file

import (
	"context"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// A large file is not written anew for every few rows: between two requests lies four times what the last one took, while rows gather
// for the next. A request that is full does not wait.
const (
	restFactor  = 4
	longestRest = time.Minute
)

// rest is the time between requests. Safe for concurrent use.
type rest struct {
	watch clock.Watch // nil: none
	full  int         // items of a request that has all it can
	off   bool

	mu   sync.Mutex
	next time.Time
}

// wait returns when a request of so many items may begin.
func (r *rest) wait(ctx context.Context, items int) error {
	if r.off || r.watch == nil || items >= r.full {
		return nil
	}
	r.mu.Lock()
	d := r.next.Sub(r.watch.Now())
	r.mu.Unlock()
	if d <= 0 {
		return nil
	}
	return r.watch.Sleep(ctx, d)
}

// begin says that a request begins, and what it returns that it ended.
func (r *rest) begin() (end func()) {
	if r.watch == nil {
		return func() {}
	}
	began := r.watch.Now()
	return func() {
		now := r.watch.Now()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.next = now.Add(min(restFactor*now.Sub(began), longestRest))
	}
}
