package quota

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// patience is how long an operation waits in place for its budget.
const patience = 2 * time.Minute

// Credential is one login at one vendor. Safe for concurrent use.
type Credential struct {
	name  string
	watch clock.Watch
	log   *slog.Logger
	zone  *time.Location
	began time.Time     // when this process opened it
	turn  chan struct{} // holds a token while an exclusive credential is in use

	mu        sync.Mutex
	stores    []Store
	exclusive bool
	secret    string
	budgets   []*budget
	order     []*budget // those of Options.Limits
	kept      []*budget // stored, and not asked for by this process so far
	holds     map[string]time.Time
	refusal   *refusal
	looked    time.Time // when the store was last asked whether somebody unlocked
	dirty     bool      // there is something to write down before the next operation
	written   bool      // something is stored about it
}

// Exclusive says whether it takes one request at a time.
func (c *Credential) Exclusive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exclusive
}

// Name is what the credential was opened by.
func (c *Credential) Name() string { return c.name }

// Usable is ErrLocked while the credential is refused: what an operation would say, without making one.
func (c *Credential) Usable(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.locked(ctx, c.watch.Now())
}

// Do makes one operation: it waits for the budget of the operation, for its turn where the credential is exclusive, and calls. It
// returns ErrLocked, *Exhausted, ctx's error or call's.
func (c *Credential) Do(ctx context.Context, operation string, call func(context.Context) error) error {
	for {
		if err := c.await(ctx, operation); err != nil {
			return err
		}
		leave, err := c.enter(ctx)
		if err != nil {
			return err
		}
		taken, err := c.take(ctx, operation)
		if !taken {
			leave()
			if err != nil {
				return err
			}
			continue // another was faster
		}
		return func() error {
			defer leave()
			defer c.settle(operation)
			return call(ctx)
		}()
	}
}

// await waits until the operation could be made.
func (c *Credential) await(ctx context.Context, operation string) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.mu.Lock()
		now := c.watch.Now() // not before: others may have held the lock for long, by a clock that runs fast
		err := c.locked(ctx, now)
		free := c.free(operation, now)
		c.mu.Unlock()
		wait := free.Sub(now)
		switch {
		case err != nil:
			return err
		case wait <= 0:
			return nil
		case wait > patience:
			return &Exhausted{Operation: operation, Until: free}
		}
		if err := c.watch.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// enter waits for the turn of an exclusive credential.
func (c *Credential) enter(ctx context.Context) (leave func(), err error) {
	c.mu.Lock()
	exclusive := c.exclusive
	c.mu.Unlock()
	if !exclusive {
		return func() {}, nil
	}
	select {
	case c.turn <- struct{}{}:
		return func() { <-c.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// take spends one of every budget of the operation; false where one has nothing left.
func (c *Credential) take(ctx context.Context, operation string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.watch.Now()
	if err := c.locked(ctx, now); err != nil {
		return false, err
	}
	if c.free(operation, now).After(now) {
		return false, nil
	}
	write := c.dirty || c.exclusive && !c.written // who else would use it must know
	for b := range c.of(operation) {
		if b.spend(now) {
			write = true
		}
	}
	if !write {
		return true, nil
	}
	for b := range c.of(operation) {
		b.reserve()
	}
	if err := c.save(ctx); err != nil {
		for b := range c.of(operation) {
			b.unspend()
			b.reserved = 0 // it is not known what was written down
		}
		c.dirty = true
		return false, fmt.Errorf("write down what is spent of operation %q: %w", operation, err)
	}
	return true, nil
}

// settle ends an operation.
func (c *Credential) settle(operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.watch.Now()
	for b := range c.of(operation) {
		b.roll(c.zone, now)
		b.underway--
	}
}

// of yields the budgets of an operation.
func (c *Credential) of(operation string) func(yield func(*budget) bool) {
	return func(yield func(*budget) bool) {
		for _, b := range c.budgets {
			if b.Operation == operation && !yield(b) {
				return
			}
		}
	}
}

func (c *Credential) budget(operation string, per time.Duration) *budget {
	for b := range c.of(operation) {
		if b.Per == per {
			return b
		}
	}
	return nil
}

// free is when the operation can be made, as far as budgets go.
func (c *Credential) free(operation string, now time.Time) time.Time {
	free := later(later(now, c.holds[operation]), c.holds[""])
	for b := range c.of(operation) {
		free = later(free, b.free(c.zone, now))
	}
	return free
}

// Spent says what the vendor itself counts: value of limit operations in the present stretch of that length. The vendor's limit
// replaces the configured one. What the vendor counts beyond ours, others have spent; what it counts less is not believed, since its
// clock may be ahead.
func (c *Credential) Spent(operation string, per time.Duration, value, limit int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.budget(operation, per)
	if b == nil {
		b = c.add(Limit{Operation: operation, Count: limit, Per: per})
	}
	b.roll(c.zone, c.watch.Now())
	if limit > 0 && limit != b.limit() {
		b.told, c.dirty = limit, true
	}
	if foreign := max(0, value-b.spent); foreign != b.foreign {
		b.foreign, c.dirty = foreign, true
	}
}

// Hold says that the vendor wants no more of the operation before an instant; of the empty operation, no more of any.
func (c *Credential) Hold(operation string, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holds[operation] = later(c.holds[operation], until)
	c.dirty = true
}

// Usage is how far a budget is spent.
type Usage struct {
	Limit
	Spent int64
	Until time.Time // the end of the present stretch
}

// Usage lists the budgets in the order of Options.Limits, and after them those that only the vendor told of.
func (c *Credential) Usage() []Usage {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.watch.Now()
	list := make([]Usage, 0, len(c.budgets))
	add := func(b *budget) {
		b.roll(c.zone, now)
		u := Usage{Limit: b.Limit, Spent: b.spent + b.foreign, Until: b.end}
		u.Count = b.limit()
		if b.Per == time.Second {
			u.Spent, u.Until = b.underway, later(now, b.next)
		}
		list = append(list, u)
	}
	for _, b := range c.order {
		add(b)
	}
	for _, b := range c.budgets {
		if !b.declared {
			add(b)
		}
	}
	return list
}
