package quota

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// books is a store that outlives processes.
type books struct {
	mu     sync.Mutex
	by     map[string][]byte
	saves  int
	broken bool
}

func newBooks() *books { return &books{by: map[string][]byte{}} }

func (b *books) Load(key string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.by[key]
}

var errBooks = errors.New("the log is away")

func (b *books) Save(_ context.Context, key string, value []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken {
		return errBooks
	}
	b.saves++
	b.by[key] = value
	return nil
}

func (b *books) Reload(_ context.Context, key string) ([]byte, error) { return b.Load(key), nil }

// hand is a watch that is moved by hand. Who sleeps is only told how long it would have been.
type hand struct{ now time.Time }

var errAsleep = errors.New("it would have to wait")

func (h *hand) Now() time.Time { return h.now }

func (h *hand) Sleep(_ context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	return errAsleep
}

// model is what a vendor counts: the instants of all operations.
type model struct {
	zone *time.Location
	made map[string][]time.Time
	back bool // the clock went back
}

// naive windows: operations of the same clock minute, hour or day.
func (m *model) exceeded(l Limit) string {
	count := map[string]int64{}
	for i, at := range m.made[l.Operation] {
		local := at.In(m.zone)
		switch l.Per {
		case time.Second: // any stretch of a second, as long as seconds come but once
			if m.back {
				continue
			}
			n := int64(0)
			for _, other := range m.made[l.Operation][:i+1] {
				if d := at.Sub(other); d >= 0 && d < time.Second {
					n++
				}
			}
			if n > l.Count {
				return fmt.Sprintf("%d operations in the second before %s", n, at)
			}
			continue
		case time.Minute:
			count[local.Format("2006-01-02 15:04 -0700")]++
		case time.Hour:
			count[local.Format("2006-01-02 15 -0700")]++
		case 24 * time.Hour:
			count[local.Format("2006-01-02")]++
		}
	}
	for window, n := range count {
		if n > l.Count {
			return fmt.Sprintf("%d operations of %q in %s, %d are allowed", n, l.Operation, window, l.Count)
		}
	}
	return ""
}

// Whatever happens, restarts and clocks that go back included, no stretch of time has more operations than the vendor allows.
func TestNoBudgetIsEverExceeded(t *testing.T) {
	zones := []string{"UTC", "America/Los_Angeles", "Asia/Kathmandu", "Europe/Berlin"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		limits := []Limit{
			{"query", rapid.Int64Range(1, 60).Draw(t, "per minute"), time.Minute},
			{"query", rapid.Int64Range(1, 300).Draw(t, "per hour"), time.Hour},
			{"report", rapid.Int64Range(1, 40).Draw(t, "per day"), 24 * time.Hour},
			{"report", rapid.Int64Range(1, 20).Draw(t, "reports per hour"), time.Hour},
			{"page", rapid.Int64Range(1, 12).Draw(t, "per second"), time.Second},
		}
		watch := &hand{now: time.Date(2026, 3, 7, 20, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, int64(400*24*time.Hour)).Draw(t, "start")))}
		store := newBooks()
		m := &model{zone: zone, made: map[string][]time.Time{}}
		open := func() *Credential {
			k := &Keyring{Store: store, Watch: watch}
			return k.Open("x", Options{Limits: limits, Zone: zone})
		}
		c := open()
		burst := func(operation string, n int) {
			for range n {
				err := c.Do(t.Context(), operation, func(context.Context) error {
					m.made[operation] = append(m.made[operation], watch.now)
					return nil
				})
				var spent *Exhausted
				if err != nil && !errors.As(err, &spent) && !errors.Is(err, errAsleep) && !errors.Is(err, errBooks) {
					t.Fatal(err)
				}
				watch.now = watch.now.Add(time.Duration(rapid.Int64Range(0, int64(200*time.Millisecond)).Draw(t, "pause")))
			}
		}
		operations := []string{"query", "report", "page"}
		latest, first := watch.now, 0
		if rapid.Bool().Draw(t, "forward only") {
			first = 3
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			latest = later(latest, watch.now)
			operation := rapid.SampledFrom(operations).Draw(t, "operation")
			switch rapid.IntRange(first, 9).Draw(t, "step") {
			case 0, 5:
				c = open() // the process was killed
				watch.now = watch.now.Add(time.Millisecond)
			case 1:
				m.back = true
				watch.now = later(latest.Add(-farBack/2), watch.now.Add(-time.Duration(rapid.Int64Range(0, int64(26*time.Hour)).Draw(t, "back"))))
			case 2: // the clock goes ahead, into other stretches, and comes back
				burst(operation, rapid.IntRange(1, 20).Draw(t, "before"))
				there := watch.now
				watch.now = watch.now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "ahead")))
				burst(operation, rapid.IntRange(1, 3).Draw(t, "there"))
				latest = later(latest, watch.now)
				watch.now, m.back = there, true
				burst(operation, rapid.IntRange(1, 70).Draw(t, "after"))
			case 3:
				watch.now = watch.now.Add(time.Duration(rapid.Int64Range(0, int64(30*time.Hour)).Draw(t, "later")))
			case 4:
				store.broken = rapid.Bool().Draw(t, "broken")
			default:
				burst(operation, rapid.IntRange(1, 70).Draw(t, "burst"))
			}
		}
		for _, l := range limits {
			if what := m.exceeded(l); what != "" {
				t.Fatal(what)
			}
		}
	})
}

// All who share a credential together stay within its budget, in every stretch.
func TestManyShareABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &Keyring{Store: newBooks(), Watch: clock.Wall}
		o := Options{Limits: []Limit{{"call", 30, time.Minute}, {"call", 100, time.Hour}}, Exclusive: true}
		m := &model{zone: time.UTC, made: map[string][]time.Time{}}
		inside := 0
		var group sync.WaitGroup
		var mu sync.Mutex
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Hour-time.Minute)
		defer stop()
		for range 20 {
			group.Go(func() {
				c := k.Open("x", o)
				for ctx.Err() == nil {
					err := c.Do(ctx, "call", func(context.Context) error {
						mu.Lock()
						inside++
						if inside > 1 {
							t.Error("two at a time")
						}
						m.made["call"] = append(m.made["call"], clock.Now())
						mu.Unlock()
						_ = clock.Sleep(ctx, 100*time.Millisecond)
						mu.Lock()
						inside--
						mu.Unlock()
						return nil
					})
					var spent *Exhausted
					if errors.As(err, &spent) {
						_ = clock.Sleep(ctx, spent.Until.Sub(clock.Now()))
					}
				}
			})
		}
		group.Wait()
		for _, l := range o.Limits {
			if what := m.exceeded(l); what != "" {
				t.Error(what)
			}
		}
		if n := len(m.made["call"]); n < 190 {
			t.Errorf("%d calls in two hours, 200 are allowed", n)
		}
	})
}
