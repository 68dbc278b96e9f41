package sourcetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
)

// Table is what a log says: of each identity, the fact of the greatest revision, as text; without the retracted.
func (l *Log) Table() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	type newest struct {
		revision int64
		text     string
	}
	by := map[string]newest{}
	for _, e := range l.entries {
		if e.Fact == nil {
			continue
		}
		d := describe(e.Fact)
		if old, ok := by[d.identity]; ok && (old.revision > d.revision || old.revision == d.revision && old.text >= d.text) {
			continue
		}
		by[d.identity] = newest{d.revision, d.text}
	}
	list := []string{}
	for identity, n := range by {
		if n.text != "" {
			list = append(list, identity+": "+n.text)
		}
	}
	slices.Sort(list)
	return list
}

// described is a fact in the form that the checks need.
type described struct {
	identity string
	revision int64
	begins   int64  // milliseconds; Null where it has no time
	text     string // "" where it is retracted
}

func describe(fact any) described {
	switch f := fact.(type) {
	case *schemas.Contact:
		c := *f
		c.Revision = 0
		return described{join("contact", f.InteractionID, f.Segment), f.Revision, begins(f.OfferedAt, f.AnsweredAt, f.EndedAt), text(c, f.Retracted)}
	case *schemas.AgentState:
		a := *f
		a.Revision = 0
		id := f.StateID
		if id == "" {
			id = fmt.Sprint(f.StartedAt, "/", f.Sequence)
		}
		return described{join("agent_state", f.AgentID, id), f.Revision, f.StartedAt, text(a, f.Retracted)}
	case *schemas.Shift:
		s := *f
		s.Revision = 0
		return described{join("shift", f.ShiftID, f.AgentID), f.Revision, f.StartsAt, text(s, f.Retracted)}
	case *schemas.Worker:
		w := *f
		w.Revision = 0
		return described{join("worker", f.WorkerID), f.Revision, schemas.Null, text(w, f.Retracted)}
	case *schemas.QueueInterval:
		r := *f
		r.Revision = 0
		return described{join("queue_interval", fmt.Sprint(f.IntervalStart), f.QueueID, f.Channel), f.Revision, f.IntervalStart, text(r, f.Facts == 0)}
	case *schemas.AgentQueueInterval:
		r := *f
		r.Revision = 0
		return described{
			join("agent_queue_interval", fmt.Sprint(f.IntervalStart), f.AgentID, f.QueueID, f.Channel), f.Revision, f.IntervalStart, text(r, f.Facts == 0),
		}
	case *schemas.AgentInterval:
		r := *f
		r.Revision = 0
		return described{join("agent_interval", fmt.Sprint(f.IntervalStart), f.AgentID), f.Revision, f.IntervalStart, text(r, f.Facts == 0)}
	}
	return described{}
}

func join(parts ...string) string { return strings.Join(parts, "|") }

func text(fact any, retracted bool) string {
	if retracted {
		return ""
	}
	return fmt.Sprintf("%+v", fact)
}

func begins(instants ...int64) int64 {
	for _, at := range instants {
		if at != schemas.Null {
			return at
		}
	}
	return schemas.Null
}

// Problems is what a source did that none may, whatever the vendor says: as noted on the way, and facts that came after a mark which
// had promised that there were no more.
func (l *Log) Problems() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := map[string]bool{}
	marks := map[string]int64{}
	for _, e := range l.entries {
		if e.Fact == nil {
			marks[e.Kind] = max(marks[e.Kind], e.Through)
			continue
		}
		d := describe(e.Fact)
		if d.begins != schemas.Null && d.begins < marks[e.Kind] && !known[d.identity] && d.text != "" {
			l.problem("%s begins at %s and was handed over after the mark of %s", d.identity, time.UnixMilli(d.begins).UTC(),
				time.UnixMilli(marks[e.Kind]).UTC())
		}
		known[d.identity] = true
	}
	return slices.Clone(l.problems)
}
