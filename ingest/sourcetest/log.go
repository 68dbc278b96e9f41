package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
)

// Log is an ingest.Out in memory. It outlives the source that writes to it, as Kafka does: what was committed can be read back, what
// was not is lost at a Crash.
type Log struct {
	Watch clock.Watch

	mu       sync.Mutex
	entries  []Entry // acknowledged, in their order; marks among them
	pending  []Entry
	Dead     []schemas.DeadLetter
	cursor   []byte
	marks    map[string]int64
	commits  int
	handed   int
	dieAt    int // commit that fails after its facts are in the log, and before its cursor is; 0: none
	stopAt   int // fact at which the source is told to stop; 0: none
	stop     context.CancelFunc
	problems []string
	notes    map[string]bool
}

// Entry is a fact, or a mark where Fact is nil.
type Entry struct {
	At      time.Time // by the watch
	Kind    string    // of fact: "contact"
	Fact    any       // *schemas.Contact and the like
	Through int64     // of a mark, milliseconds
}

// NewLog makes an empty log.
func NewLog(w clock.Watch) *Log {
	return &Log{Watch: w, marks: map[string]int64{}, notes: map[string]bool{}}
}

// errDied is what a source sees of a crash.
var errDied = errors.New("the process died here")

var _ ingest.Out = (*Log)(nil)

func (l *Log) problem(format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	if !l.notes[text] && len(l.problems) < 20 {
		l.notes[text] = true
		l.problems = append(l.problems, text)
	}
}

func (l *Log) add(ctx context.Context, kind, identity string, fact any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if strings.Trim(identity, "\x00") == "" {
		l.problem("a %s has no identity: %+v", kind, fact)
	}
	l.pending = append(l.pending, Entry{At: l.Watch.Now(), Kind: kind, Fact: fact})
	l.handed++
	if l.handed == l.stopAt {
		l.stop()
	}
	return ctx.Err()
}

// Contact keeps a copy, and fills in whose it is, as the runtime does.
func (l *Log) Contact(ctx context.Context, c *schemas.Contact) error {
	c.Tenant, c.Source = Tenant, Name
	kept := copied(c)
	return l.add(ctx, "contact", c.InteractionID, kept)
}

// AgentState keeps a copy.
func (l *Log) AgentState(ctx context.Context, a *schemas.AgentState) error {
	a.Tenant, a.Source = Tenant, Name
	kept := copied(a)
	return l.add(ctx, "agent_state", a.AgentID, kept)
}

// Shift keeps a copy.
func (l *Log) Shift(ctx context.Context, s *schemas.Shift) error {
	s.Tenant, s.Source = Tenant, Name
	kept := copied(s)
	return l.add(ctx, "shift", s.ShiftID, kept)
}

// Worker keeps a copy.
func (l *Log) Worker(ctx context.Context, w *schemas.Worker) error {
	w.Tenant, w.Source = Tenant, Name
	kept := copied(w)
	if kept.Email != strings.ToLower(kept.Email) {
		l.mu.Lock()
		l.problem("the address of worker %q is not in lower case", w.WorkerID)
		l.mu.Unlock()
	}
	return l.add(ctx, "worker", w.WorkerID, kept)
}

// QueueInterval keeps a copy.
func (l *Log) QueueInterval(ctx context.Context, r *schemas.QueueInterval) error {
	r.Tenant = Tenant
	kept := copied(r)
	return l.add(ctx, "interval", r.QueueID+r.Channel, kept)
}

// AgentQueueInterval keeps a copy.
func (l *Log) AgentQueueInterval(ctx context.Context, r *schemas.AgentQueueInterval) error {
	r.Tenant = Tenant
	kept := copied(r)
	return l.add(ctx, "interval", r.AgentID, kept)
}

// AgentInterval keeps a copy.
func (l *Log) AgentInterval(ctx context.Context, r *schemas.AgentInterval) error {
	r.Tenant = Tenant
	kept := copied(r)
	return l.add(ctx, "interval", r.AgentID, kept)
}

// Reject keeps a dead letter.
func (l *Log) Reject(ctx context.Context, d *schemas.DeadLetter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d.Reason == "" || d.Detail == "" || d.Location == "" {
		l.problem("a dead letter without reason, detail or location: %+v", *d)
	}
	l.Dead = append(l.Dead, *copied(d))
	return ctx.Err()
}

// Commit makes safe what was handed over, and then the cursor.
func (l *Log) Commit(ctx context.Context, cursor []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	l.entries, l.pending = append(l.entries, l.pending...), nil
	l.commits++
	if l.commits == l.dieAt {
		l.stop()
		return errDied
	}
	if cursor != nil {
		l.cursor = append([]byte(nil), cursor...)
	}
	return nil
}

// Mark keeps a promise.
func (l *Log) Mark(ctx context.Context, fact string, through int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	at := time.UnixMilli(through).UTC()
	if len(l.pending) > 0 {
		l.problem("a mark of %q was given before a commit of the facts handed over", fact)
	}
	if through < l.marks[fact] {
		l.problem("the mark of %q goes back from %s to %s", fact, time.UnixMilli(l.marks[fact]).UTC(), at)
	}
	if now := l.Watch.Now(); at.After(now) {
		l.problem("the mark of %q promises %s, and it is %s", fact, at, now.UTC())
	}
	l.marks[fact] = through
	l.entries = append(l.entries, Entry{At: l.Watch.Now(), Kind: fact, Through: through})
	return nil
}

// Crash loses what is not acknowledged.
func (l *Log) Crash() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending, l.dieAt, l.stopAt = nil, 0, 0
}

// Recall reads back what was committed.
func (l *Log) Recall(_ context.Context, kind string, since time.Time, each func(fact any)) error {
	l.mu.Lock()
	entries := l.entries
	l.mu.Unlock()
	for _, e := range entries {
		if e.Fact != nil && e.Kind == kind && !e.At.Before(since) {
			each(e.Fact)
		}
	}
	return nil
}

// Load and Save keep small values, such as what a credential has spent.
type values struct {
	mu sync.Mutex
	by map[string][]byte
}

func (v *values) Load(key string) []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.by[key]
}

func (v *values) Save(_ context.Context, key string, value []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.by[key] = append([]byte(nil), value...)
	return nil
}
