package gladly

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/schemas"
)

// leap is a watch that jumps over every sleep.
type leap struct {
	mu  sync.Mutex
	now time.Time
}

func (l *leap) Now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *leap) set(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = t
}

func (l *leap) Sleep(ctx context.Context, d time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(max(d, 0))
	return ctx.Err()
}

// world is a log that keeps what it was given, as the rest of the system would see it.
type world struct {
	testing.TB
	watch *leap
	store *memoryStore

	mu       sync.Mutex
	contacts map[string]schemas.Contact    // newest revision by identity, retracted ones too
	states   map[string]schemas.AgentState // the same
	workers  map[string]schemas.Worker
	dead     []schemas.DeadLetter
	marks    map[string]int64
	cursor   []byte
	written  int
	raw      []byte
	order    []any
	commit   func() error // what a commit meets; nil: nothing
}

func newWorld(t testing.TB, now time.Time) *world {
	return &world{
		TB: t, watch: &leap{now: now}, store: &memoryStore{by: map[string][]byte{}}, contacts: map[string]schemas.Contact{}, states: map[string]schemas.AgentState{},
		workers: map[string]schemas.Worker{}, marks: map[string]int64{},
	}
}

// memoryStore is where budgets outlive a process.
type memoryStore struct {
	mu sync.Mutex
	by map[string][]byte
}

func (m *memoryStore) Load(key string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.by[key]
}

func (m *memoryStore) Save(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.by[key] = value
	return nil
}

func (w *world) Contact(_ context.Context, c *schemas.Contact) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written++
	key := c.InteractionID + " " + c.Segment
	if c.Revision <= w.contacts[key].Revision {
		w.Errorf("contact %s: revision %d after %d", key, c.Revision, w.contacts[key].Revision)
	}
	w.contacts[key] = *c
	kept := *c
	w.order = append(w.order, &kept)
	return nil
}

func (w *world) AgentState(_ context.Context, a *schemas.AgentState) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written++
	w.states[a.AgentID+" "+a.StateID] = *a
	kept := *a
	w.order = append(w.order, &kept)
	return nil
}

func (w *world) Worker(_ context.Context, x *schemas.Worker) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.workers[x.WorkerID] = *x
	kept := *x
	w.order = append(w.order, &kept)
	return nil
}

func (w *world) Shift(context.Context, *schemas.Shift) error                           { return nil }
func (w *world) QueueInterval(context.Context, *schemas.QueueInterval) error           { return nil }
func (w *world) AgentQueueInterval(context.Context, *schemas.AgentQueueInterval) error { return nil }
func (w *world) AgentInterval(context.Context, *schemas.AgentInterval) error           { return nil }

func (w *world) Reject(_ context.Context, d *schemas.DeadLetter) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = append(w.dead, *d)
	return nil
}

func (w *world) Commit(_ context.Context, cursor []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.commit != nil {
		if err := w.commit(); err != nil {
			return err
		}
	}
	w.cursor = append([]byte(nil), cursor...)
	return nil
}

func (w *world) Mark(_ context.Context, fact string, through int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if through < w.marks[fact] {
		w.Errorf("the mark of %s goes back from %d to %d", fact, w.marks[fact], through)
	}
	w.marks[fact] = through
	return nil
}

func (w *world) recall(_ context.Context, kind string, _ time.Time, each func(fact any)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, fact := range w.order {
		switch f := fact.(type) {
		case *schemas.Contact:
			if c := *f; kind == contactFact {
				each(&c)
			}
		case *schemas.AgentState:
			if a := *f; kind == stateFact {
				each(&a)
			}
		case *schemas.Worker:
			if x := *f; kind == "worker" {
				each(&x)
			}
		}
	}
	return nil
}

func (w *world) deps(drain bool) ingest.Deps {
	return ingest.Deps{
		Tenant: "acme", Pipeline: "p", Name: "gladly", Zone: time.UTC, Drain: drain, Now: w.watch.Now, Watch: w.watch,
		Keyring: &quota.Keyring{Store: w.store, Watch: w.watch}, Recall: w.recall,
		Raw: func(_ context.Context, r ingest.Raw) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.raw = append(w.raw, r.Payload...)
			return nil
		},
	}
}

// drain runs the source in a process of its own, until it has read up to the present.
func (w *world) drain(o *Options) error {
	w.Helper()
	g, err := newSource(o, w.deps(true))
	if err != nil {
		w.Fatal(err)
	}
	return g.Run(w.Context(), w.cursor, w)
}

// calls are the contacts that count, by id and segment, in short.
func (w *world) calls() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]string{}
	for key, c := range w.contacts {
		if !c.Retracted {
			all[strings.TrimSpace(key)] = short(&c)
		}
	}
	return all
}

func short(c *schemas.Contact) string {
	clock := func(ms int64) string {
		if ms == schemas.Null {
			return "-"
		}
		return strings.TrimSuffix(time.UnixMilli(ms).UTC().Format("15:04:05.000"), ".000")
	}
	length := func(ms int64) string {
		if ms == schemas.Null {
			return "-"
		}
		return (time.Duration(ms) * time.Millisecond).String()
	}
	text := fmt.Sprintf("%s %s %s-%s-%s talk %s wrap %s %s", c.Channel, c.QueueID, clock(c.OfferedAt), clock(c.AnsweredAt), clock(c.EndedAt), length(c.TalkMs), length(c.WrapMs), c.Outcome)
	if c.Direction != schemas.DirectionInbound {
		text += " " + c.Direction.String()
	}
	return text
}

// standings are the states, by agent and time.
func (w *world) standings() told {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := told{}
	for _, a := range maps.All(w.states) {
		if !a.Retracted {
			_ = all.give(a.AgentID, derived{a.StartedAt, a.State, a.Reason})
		}
	}
	return all
}

// letters are the dead letters in short.
func (w *world) letters() (list []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.dead {
		list = append(list, d.Fact+" "+d.Location+": "+d.Detail)
	}
	return list
}
