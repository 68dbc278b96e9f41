package flow

import (
	"context"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/schemas"
)

// retract takes back what the flow replaces and its read did not hand over.
func (w *worker) retract(ctx context.Context, r *Read) error {
	if !w.flow.Replaces {
		return nil
	}
	for _, kind := range w.flow.Facts {
		missing, since := w.missing(kind, r)
		if len(missing) == 0 {
			continue
		}
		if r.Partial {
			w.run.deps.Log.Warn("the answer lacks facts that it had before, and not all of it could be read: nothing is taken for withdrawn",
				"flow", w.flow.Name, "kind", kind, "lacking", len(missing))
			continue
		}
		if err := w.run.withdraw(ctx, kind, missing, since); err != nil {
			return err
		}
		w.counts.Retracted += int64(len(missing))
		for key := range missing {
			delete(w.run.memory(kind).items, key)
		}
	}
	return nil
}

// missing is what the read should have handed over of a kind and did not, and the time since when the log may have it.
func (w *worker) missing(kind string, r *Read) (missing map[uint64]any, since time.Time) {
	whole := r.To.IsZero()
	to := r.Through
	if r.To.Before(to) {
		to = r.To
	}
	from := second(millis(r.From.Add(w.flow.Margin).Add(time.Second - 1)))
	before := second(millis(to))
	missing = map[uint64]any{} // by hash of the identity
	for key, it := range w.run.memory(kind).items {
		if it.owner == w.number && it.seen != r.number && (whole || it.second >= from && it.second < before) {
			missing[key] = nil
		}
	}
	if !whole {
		since = r.From.Add(-slack)
	}
	return missing, since
}

// withdraw hands over the retractions of things that are missing: the log tells what they are, by the hash of their identity.
func (n *run) withdraw(ctx context.Context, kind string, missing map[uint64]any, since time.Time) error {
	if err := n.commit(); err != nil { // what an earlier read handed over before it failed
		return err
	}
	var bad error
	err := n.deps.Recall(ctx, kind, since, func(fact any) {
		s, err := n.describe(fact)
		if err != nil {
			bad = err
			return
		}
		key := hashOf(s)
		if _, ok := missing[key]; ok {
			missing[key] = withdrawn(fact)
		}
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("read back what was withdrawn of kind %q: %w", kind, err)
	}
	for _, fact := range missing {
		if fact == nil {
			n.deps.Log.Error("the vendor has withdrawn a fact that the log no longer holds: it stays as it was counted", "kind", kind)
			continue
		}
		s, err := n.describe(fact)
		if err != nil {
			return err
		}
		*s.revision = n.revise()
		if err := n.write(n.ctx, fact); err != nil {
			return n.fail(err)
		}
		crash.Point(crash.FlowRetracted)
	}
	return nil
}

// withdrawn is the retraction of a fact: its identity, and when it began, since late corrections are judged by that.
func withdrawn(fact any) any {
	switch f := fact.(type) {
	case *schemas.Contact:
		return &schemas.Contact{
			InteractionID: f.InteractionID, Segment: f.Segment, Retracted: true, OfferedAt: first(f.OfferedAt, f.AnsweredAt, f.EndedAt),
			AnsweredAt: schemas.Null, EndedAt: schemas.Null, WrapEndedAt: schemas.Null, TalkMs: schemas.Null, HoldMs: schemas.Null,
			WrapMs: schemas.Null,
		}
	case *schemas.AgentState:
		a := &schemas.AgentState{AgentID: f.AgentID, StateID: f.StateID, Retracted: true, StartedAt: f.StartedAt, EndedAt: schemas.Null}
		if a.StateID == "" {
			a.Sequence = f.Sequence
		}
		return a
	case *schemas.Shift:
		return &schemas.Shift{ShiftID: f.ShiftID, AgentID: f.AgentID, Retracted: true, StartsAt: f.StartsAt, EndsAt: schemas.Null}
	case *schemas.Worker:
		return &schemas.Worker{WorkerID: f.WorkerID, Retracted: true}
	case *schemas.QueueInterval:
		return &schemas.QueueInterval{IntervalStart: f.IntervalStart, QueueID: f.QueueID, Channel: f.Channel}
	case *schemas.AgentQueueInterval:
		return &schemas.AgentQueueInterval{
			IntervalStart: f.IntervalStart, AgentID: f.AgentID, QueueID: f.QueueID, Channel: f.Channel, Completed: schemas.Null,
		}
	case *schemas.AgentInterval:
		return &schemas.AgentInterval{IntervalStart: f.IntervalStart, AgentID: f.AgentID, ScheduledMs: schemas.Null, AdherentMs: schemas.Null}
	}
	return nil
}
