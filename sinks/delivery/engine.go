package delivery

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
)

// Deps is what an engine has from its sink's surroundings.
type Deps struct {
	Tenant, Pipeline, Name string
	Drain                  bool // send without waiting for what may come, or for a delay to pass
	Stays                  bool // though it drains, the run goes on: a destination that refuses the credential is waited for
	Watch                  clock.Watch
	Log                    *slog.Logger
	Attempted              func(outcome string, items int)          // counts records, where not nil
	Asked                  func(outcome string, took time.Duration) // counts requests: ok, transient, throttled, refused or permanent
	Paused                 func()                                   // counts pauses
}

// Log is where a lane writes down what it did. Both return once what they were given is safe.
type Log interface {
	Deliveries(ctx context.Context, attempts []schemas.Delivery) error
	DeadLetters(ctx context.Context, letters []schemas.DeadLetter) error
}

// Engine serves one destination: its lanes share the requests that may be under way at once, and the pauses that the destination
// asks for. Safe for concurrent use.
type Engine struct {
	destination Destination
	plan        Plan
	options     Options
	deps        Deps
	pace        *pace
	joint       joint

	mu     sync.Mutex
	lanes  []*Lane
	shared atomic.Int64 // how many records each lane may hold
}

// What the lanes of an engine hold in memory together, and each at least; the log holds what is to come.
const (
	mostPending  = 60_000
	leastPending = 2_000
)

// share is how many records a lane may hold.
func (e *Engine) share() int { return int(e.shared.Load()) }

func (e *Engine) divide() {
	e.shared.Store(int64(max(leastPending, mostPending/max(1, len(e.lanes)))))
}

// State is what an engine is doing.
type State struct {
	Pending int       // records that are taken and not settled
	Sending int       // requests under way
	Allowed int       // requests that may be under way at once; it falls with failures and grows again, and is 0 while the destination is left alone
	Pause   time.Time // until when the destination is left alone; the past where it is not
}

// State says what the engine is doing.
func (e *Engine) State() State {
	e.mu.Lock()
	lanes := slices.Clone(e.lanes)
	e.mu.Unlock()
	s := e.pace.state()
	if s.Pause.After(e.deps.Watch.Now()) {
		s.Allowed = 0
	}
	for _, l := range lanes {
		s.Pending += l.Pending()
	}
	return s
}

// New makes the engine of a destination. What the options leave open is as the plan says.
func New(d Destination, p Plan, o Options, deps Deps) *Engine {
	if o.Batch > 0 && (p.Items == 0 || o.Batch < p.Items) {
		p.Items = o.Batch
	}
	if o.Concurrency > 0 {
		p.Concurrency = o.Concurrency
	}
	if len(o.Kinds) > 0 {
		p.Kinds = slices.DeleteFunc(slices.Clone(p.Kinds), func(k string) bool { return !slices.Contains(o.Kinds, k) })
	}
	p.Items, p.Concurrency, o.Attempts = max(p.Items, 1), max(p.Concurrency, 1), max(o.Attempts, 1)
	if p.Joint {
		p.Concurrency = 1
	}
	return &Engine{destination: d, plan: p, options: o, deps: deps, pace: newPace(p.Concurrency), joint: joint{rests: map[string]time.Time{}}}
}

// Lane starts the delivery of one partition of the log, until ctx ends, from where it had been committed. delivered says at which revision a key
// had been settled since: it is not sent again at that revision.
func (e *Engine) Lane(ctx context.Context, log Log, committed int64, delivered map[string]int64) *Lane {
	l := newLane(ctx, e, log, committed, delivered)
	if j, ok := e.destination.(Joiner); ok {
		j.Joined()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lanes = append(e.lanes, l)
	e.divide()
	return l
}

// turn gives every lane a chance to use what became free.
func (e *Engine) turn() {
	e.mu.Lock()
	lanes := slices.Clone(e.lanes)
	if len(e.lanes) > 1 { // another one is first the next time
		e.lanes = append(e.lanes[1:], e.lanes[0])
	}
	e.mu.Unlock()
	for _, l := range lanes {
		l.Turn()
	}
}

func (e *Engine) leave(l *Lane) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lanes = slices.DeleteFunc(e.lanes, func(other *Lane) bool { return other == l })
	e.divide()
}

// Close closes the destination. All lanes have left.
func (e *Engine) Close() error { return e.destination.Close() }
