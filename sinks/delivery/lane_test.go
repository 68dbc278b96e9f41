package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// place is a destination that replaces by key, and fails as it is told.
type place struct {
	mu       sync.Mutex
	holds    map[string]int64
	sent     []string // what it acknowledged, as key@revision
	requests int
	busy     map[string]bool
	problems []string
	fault    func(request int, items []delivery.Item) error // judged before anything is taken
	lost     func(request int) error                        // after everything is taken: the answer does not arrive
	took     time.Duration
}

func newPlace() *place { return &place{holds: map[string]int64{}, busy: map[string]bool{}} }

func (p *place) Close() error { return nil }

func (p *place) Send(ctx context.Context, items []delivery.Item) error {
	p.mu.Lock()
	p.requests++
	n := p.requests
	for _, i := range items {
		if p.busy[i.Key] {
			p.problems = append(p.problems, "two requests at once with "+i.Key)
		}
		p.busy[i.Key] = true
	}
	p.mu.Unlock()
	err := clock.Sleep(ctx, p.took)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range items {
		delete(p.busy, i.Key)
	}
	if err != nil {
		return err
	}
	if p.fault != nil {
		if err := p.fault(n, items); err != nil {
			return err
		}
	}
	for _, i := range items {
		if i.Revision < p.holds[i.Key] {
			p.problems = append(p.problems, fmt.Sprintf("%s went back from %d to %d", i.Key, p.holds[i.Key], i.Revision))
		}
		p.holds[i.Key] = i.Revision
	}
	if p.lost != nil {
		if err := p.lost(n); err != nil {
			return err
		}
	}
	for _, i := range items {
		p.sent = append(p.sent, fmt.Sprintf("%s@%d", i.Key, i.Revision))
	}
	return nil
}

// ledger keeps what lanes write down.
type ledger struct {
	mu       sync.Mutex
	attempts []schemas.Delivery
	letters  []schemas.DeadLetter
}

func (l *ledger) Deliveries(_ context.Context, a []schemas.Delivery) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts = append(l.attempts, a...)
	return nil
}

func (l *ledger) DeadLetters(_ context.Context, d []schemas.DeadLetter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.letters = append(l.letters, d...)
	return nil
}

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

// record is one row in the log.
type record struct {
	key      string
	revision int64
	final    bool
}

// history is a log in which revisions of a key grow.
func history(r *rand.Rand, keys, n int) []record {
	revisions := make([]int64, keys)
	var log []record
	for range n {
		k := r.IntN(keys)
		revisions[k] += 1 + r.Int64N(3)
		log = append(log, record{fmt.Sprintf("queue/t/%d", k), revisions[k], r.IntN(3) > 0})
	}
	return log
}

// newest is what the destination must hold.
func newest(log []record, when delivery.When) map[string]int64 {
	want := map[string]int64{}
	for _, r := range log {
		if r.final || when == delivery.Provisional {
			want[r.key] = r.revision
		}
	}
	return want
}

func item(r record) delivery.Item {
	return delivery.Item{Key: r.key, Revision: r.revision, Start: 1, Seconds: 900, Final: r.final, Queue: &schemas.QueueInterval{}}
}

var plan = delivery.Plan{Kinds: []string{"queue_interval"}, Items: 7, Concurrency: 3}

func deps() delivery.Deps {
	return delivery.Deps{Tenant: "t", Pipeline: "p", Name: "s", Watch: clock.Wall, Log: slog.New(slog.DiscardHandler)}
}

// deliver runs a lane over the log from an offset until everything is settled or the time is up, and returns what is safe.
func deliver(p *place, l *ledger, o delivery.Options, log []record, from int64, within time.Duration, read *int64) int64 {
	e := delivery.New(p, plan, o, deps())
	ctx, cancel := context.WithTimeout(context.Background(), within)
	lane := e.Lane(ctx, l, from, l.settled())
	next := from
	end := *read // of the log when the lane begins
	for ctx.Err() == nil {
		for first := true; next < int64(len(log)) && (first || next < end); first = false {
			lane.Take(item(log[next]), next)
			next++
			lane.Passed(next)
			*read = max(*read, next)
		}
		if next >= end {
			lane.Caught()
		}
		lane.Turn()
		if safe, err := lane.Safe(); err != nil || safe == int64(len(log)) {
			break
		}
		_ = clock.Sleep(ctx, 100*time.Millisecond)
	}
	cancel()
	lane.Leave()
	safe, _ := lane.Safe()
	return safe
}

func (p *place) expect(t *testing.T, want map[string]int64) {
	t.Helper()
	if diff := cmp.Diff(want, p.holds); diff != "" {
		t.Errorf("the destination holds (-want +got)\n%s", diff)
	}
	for _, problem := range p.problems {
		t.Error(problem)
	}
}

// twice lists what the destination acknowledged more than once.
func (p *place) twice() (list []string) {
	seen := map[string]bool{}
	for _, s := range p.sent {
		if seen[s] {
			list = append(list, s)
		}
		seen[s] = true
	}
	return list
}

func TestNewestOfEveryKeyArrives(t *testing.T) {
	for _, when := range []delivery.When{delivery.Provisional, delivery.Final} {
		for seed := range uint64(20) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 1))
				p, l := newPlace(), &ledger{}
				p.took = time.Duration(r.IntN(2000)) * time.Millisecond
				log := history(r, 20, 300)
				deliver(p, l, delivery.Options{When: string(when), Attempts: 8}, log, 0, time.Hour, new(int64))
				p.expect(t, newest(log, when))
				if again := p.twice(); len(again) > 0 {
					t.Errorf("sent again: %v", again)
				}
			})
		}
	}
}

func TestOutagesLostAnswersAndRestarts(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			p, l := newPlace(), &ledger{}
			p.took = 300 * time.Millisecond
			faults := []error{
				&httpcall.Error{Kind: httpcall.Transient, Status: 503}, &httpcall.Error{Kind: httpcall.Throttled, Status: 429, RetryAfter: 20 * time.Second},
				&httpcall.Error{Kind: httpcall.Throttled, Status: 429}, errors.New("connection reset"), &httpcall.Error{Kind: httpcall.Refused, Status: 401},
			}
			p.fault = func(int, []delivery.Item) error {
				if r.IntN(4) == 0 {
					return faults[r.IntN(len(faults))]
				}
				return nil
			}
			p.lost = func(int) error {
				if r.IntN(5) == 0 {
					return &httpcall.Error{Kind: httpcall.Transient, Sent: true}
				}
				return nil
			}
			log := history(r, 15, 200)
			var from, read int64
			for range 400 {
				safe := deliver(p, l, delivery.Options{When: "final", Attempts: 1000}, log, from, time.Duration(5+r.IntN(600))*time.Second, &read)
				if safe < from {
					t.Fatalf("safe went back from %d to %d", from, safe)
				}
				from = safe
				if from == int64(len(log)) {
					break
				}
			}
			p.expect(t, newest(log, delivery.Final))
			if again := p.twice(); len(again) > 0 {
				t.Errorf("acknowledged and sent again: %v", again)
			}
			if len(l.letters) > 0 {
				t.Errorf("dead letters: %v", l.letters)
			}
		})
	}
}

// One row that the destination cannot take must not hold up the others, whether it says which one it is or not.
func TestAPoisonousRow(t *testing.T) {
	poison := func(items []delivery.Item) int {
		for n, i := range items {
			if i.Key == "queue/t/3" {
				return n
			}
		}
		return -1
	}
	f := func(name, reason string, fault func(n int) error) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, l := newPlace(), &ledger{}
				p.took = 100 * time.Millisecond
				p.fault = func(_ int, items []delivery.Item) error {
					if n := poison(items); n >= 0 {
						if err := fault(n); !errors.As(err, new(*delivery.Refused)) {
							return err
						}
					}
					return nil
				}
				var refused func(items []delivery.Item) error
				if errors.As(fault(0), new(*delivery.Refused)) {
					refused = func(items []delivery.Item) error {
						if n := poison(items); n >= 0 {
							return fault(n)
						}
						return nil
					}
				}
				var d delivery.Destination = p
				if refused != nil {
					d = refusing{p, refused}
				}
				r := rand.New(rand.NewPCG(7, 7))
				log := history(r, 20, 100)
				e := delivery.New(d, plan, delivery.Options{When: "provisional", Attempts: 4}, deps())
				ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
				defer cancel()
				lane := e.Lane(ctx, l, 0, nil)
				for n, r := range log {
					lane.Take(item(r), int64(n))
				}
				lane.Passed(int64(len(log)))
				lane.Caught()
				for ctx.Err() == nil {
					lane.Turn()
					if safe, _ := lane.Safe(); safe == int64(len(log)) {
						break
					}
					if r.IntN(100) == 0 { // work goes on
						log = append(log, record{"queue/t/0", int64(1000 + len(log)), true})
						lane.Take(item(log[len(log)-1]), int64(len(log)-1))
						lane.Passed(int64(len(log)))
					}
					_ = clock.Sleep(ctx, time.Second)
				}
				want := newest(log, delivery.Provisional)
				delete(want, "queue/t/3")
				delete(p.holds, "queue/t/3")
				p.expect(t, want)
				if len(l.letters) != 1 || l.letters[0].Reason != reason {
					t.Errorf("dead letters %+v, want one with reason %q", l.letters, reason)
				}
				cancel()
				lane.Leave()
			})
		})
	}
	f("named by the destination", "unknown_queue", func(n int) error {
		return &delivery.Refused{Items: []delivery.RefusedItem{{Index: n, Reason: "unknown_queue", Detail: "no such queue"}}}
	})
	f("the request is refused as a whole", "refused", func(int) error { return &httpcall.Error{Kind: httpcall.Permanent, Status: 400, Excerpt: "bad"} })
	f("the destination stumbles over it", "attempts", func(int) error { return &httpcall.Error{Kind: httpcall.Transient, Status: 500} })
}

// refusing takes all but what it refuses.
type refusing struct {
	*place
	refuse func([]delivery.Item) error
}

func (r refusing) Send(ctx context.Context, items []delivery.Item) error {
	if err := r.place.Send(ctx, items); err != nil {
		return err
	}
	return r.refuse(items)
}
