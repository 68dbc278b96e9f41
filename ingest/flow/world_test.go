package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
)

// log is a log that crashes when it is told to, and can be read back.
type log struct {
	mu        sync.Mutex
	entries   []entry // acknowledged
	pending   []entry
	dead      []schemas.DeadLetter
	marks     []string
	promised  map[string]int64
	cursor    []byte
	commits   int
	failAfter int  // commits until one fails; 0: never
	lossy     bool // the commit that fails loses facts
	counts    map[string]int
	totals    ingest.FlowCounts
}

type entry struct {
	at   time.Time
	fact any
}

func newLog() *log { return &log{promised: map[string]int64{}, counts: map[string]int{}} }

func (l *log) add(fact any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, entry{clock.Now(), fact})
	return nil
}

func (l *log) Contact(_ context.Context, c *schemas.Contact) error {
	kept := *c
	c.Tenant, c.Source = "acme", "source"
	return l.add(&kept)
}

func (l *log) AgentState(_ context.Context, a *schemas.AgentState) error {
	kept := *a
	return l.add(&kept)
}

func (l *log) Shift(_ context.Context, s *schemas.Shift) error   { kept := *s; return l.add(&kept) }
func (l *log) Worker(_ context.Context, w *schemas.Worker) error { kept := *w; return l.add(&kept) }
func (l *log) QueueInterval(_ context.Context, r *schemas.QueueInterval) error {
	kept := *r
	return l.add(&kept)
}

func (l *log) AgentQueueInterval(_ context.Context, r *schemas.AgentQueueInterval) error {
	kept := *r
	return l.add(&kept)
}

func (l *log) AgentInterval(_ context.Context, r *schemas.AgentInterval) error {
	kept := *r
	return l.add(&kept)
}

func (l *log) Reject(_ context.Context, d *schemas.DeadLetter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = append(l.dead, *d)
	return nil
}

var errBroken = errors.New("the log is away")

func (l *log) Commit(_ context.Context, cursor []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failAfter > 0 {
		if l.failAfter--; l.failAfter == 0 {
			if l.lossy {
				l.pending = l.pending[:len(l.pending)/2] // of the facts, some are there
			}
			l.entries, l.pending = append(l.entries, l.pending...), nil
			return errBroken // the cursor is not
		}
	}
	l.entries, l.pending = append(l.entries, l.pending...), nil
	l.cursor = cursor
	l.commits++
	return nil
}

func (l *log) Mark(_ context.Context, fact string, through int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) > 0 {
		return errors.New("a mark before its facts")
	}
	if through < l.promised[fact] {
		return fmt.Errorf("the mark of %q goes back", fact)
	}
	l.promised[fact] = through
	l.entries = append(l.entries, entry{clock.Now(), through})
	l.marks = append(l.marks, fact+" "+time.UnixMilli(through).UTC().Format("15:04:05"))
	return nil
}

func (l *log) Flow(flow, outcome string, _ time.Duration, n ingest.FlowCounts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[flow+" "+outcome]++
	l.totals.Handed += n.Handed
	l.totals.Repeated += n.Repeated
	l.totals.Retracted += n.Retracted
	l.totals.Rejected += n.Rejected
}

func (l *log) recall(_ context.Context, kind string, since time.Time, each func(any)) error {
	for _, e := range l.entries {
		if e.at.Before(since) {
			continue
		}
		switch e.fact.(type) {
		case *schemas.Contact:
			if kind == contactFact {
				each(e.fact)
			}
		case *schemas.AgentState:
			if kind == stateFact {
				each(e.fact)
			}
		case *schemas.Worker:
			if kind == workerFact {
				each(e.fact)
			}
		case *schemas.QueueInterval, *schemas.AgentQueueInterval, *schemas.AgentInterval:
			if kind == intervalFact {
				each(e.fact)
			}
		}
	}
	return nil
}

// table is what the log says: by the greatest revision of each identity, without the retracted.
func (l *log) table() []string {
	type row struct {
		revision int64
		text     string
	}
	rows := map[string]row{}
	for _, e := range l.entries {
		var id, text string
		var revision int64
		if _, mark := e.fact.(int64); mark {
			continue
		}
		switch f := e.fact.(type) {
		case *schemas.Contact:
			id, revision, text = "c "+f.InteractionID+"/"+f.Segment, f.Revision, f.QueueID
			if f.Retracted {
				text = "-"
			}
		case *schemas.AgentState:
			id, revision, text = "a "+f.AgentID+"/"+f.StateID, f.Revision, f.Reason
			if f.Retracted {
				text = "-"
			}
		case *schemas.Worker:
			id, revision, text = "w "+f.WorkerID, f.Revision, f.Email
			if f.Retracted {
				text = "-"
			}
		}
		if r, ok := rows[id]; !ok || revision > r.revision {
			rows[id] = row{revision, text}
		}
	}
	var list []string
	for id, r := range rows {
		if r.text != "-" {
			list = append(list, id+" "+r.text)
		}
	}
	slices.Sort(list)
	return list
}

func (l *log) options() Options {
	return Options{Deps: ingest.Deps{
		Tenant: "acme", Pipeline: "p", Name: "source", Log: slog.New(slog.DiscardHandler), Recall: l.recall, Metrics: l, Watch: clock.Wall,
	}}
}

func (l *log) position(t *testing.T, flow string) *Position {
	t.Helper()
	c := &Cursor{}
	if err := json.Unmarshal(l.cursor, c); err != nil {
		t.Fatal(err)
	}
	if c.Flows[flow] == nil {
		return &Position{}
	}
	return c.Flows[flow]
}

// runFor runs flows for a while of the bubble's time.
func (l *log) runFor(t *testing.T, d time.Duration, flows ...Flow) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := Run(ctx, flows, l.cursor, l, l.options()); err != nil && !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	l.pending = nil // what was not acknowledged is lost
}

func contactAt(id string, at time.Time, queue string) *schemas.Contact {
	return &schemas.Contact{
		InteractionID: id, Segment: "1", QueueID: queue, OfferedAt: at.UnixMilli(), AnsweredAt: schemas.Null, EndedAt: schemas.Null,
		WrapEndedAt: schemas.Null, TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
	}
}

func stateAt(agent, id string, at time.Time, reason string) *schemas.AgentState {
	return &schemas.AgentState{AgentID: agent, StateID: id, StartedAt: at.UnixMilli(), EndedAt: schemas.Null, Reason: reason}
}

// premature are facts that came after a mark which covers them.
func (l *log) premature(t *testing.T) {
	t.Helper()
	known, mark := map[string]bool{}, int64(0)
	for _, e := range l.entries {
		switch f := e.fact.(type) {
		case int64:
			mark = max(mark, f)
		case *schemas.Contact:
			if f.OfferedAt < mark && !known[f.InteractionID] && !f.Retracted {
				t.Errorf("contact %q came after its mark", f.InteractionID)
			}
			known[f.InteractionID] = true
		}
	}
}

// facts are the entries that are no marks.
func (l *log) facts() []entry {
	return slices.DeleteFunc(slices.Clone(l.entries), func(e entry) bool { _, mark := e.fact.(int64); return mark })
}
