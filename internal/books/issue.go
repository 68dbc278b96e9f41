package books

import (
	"context"
	"math"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// issueBatch is how many partials are written at once.
const issueBatch = 20_000

// issue writes the partials of every shard of every changed row, empty ones included: a shard that contributes no longer takes
// back what it did, and the row's revision grows. Rows so old that no merge holds them are written as they are.
func (b *Rebuilt) issue(ctx context.Context, l *runtime.Ledger) error {
	changed := make(map[string]*RowChange, len(b.Changed))
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range b.Changed {
		c := &b.Changed[i]
		changed[string(appendKey(nil, c.row.Key))] = c
		from, to = min(from, c.row.Key.Start), max(to, c.row.Key.Start+1)
	}
	for _, s := range b.shards {
		again := &again{Reissue: l.Reissue(s.Name()), ctx: ctx, changed: changed, told: map[string]bool{}, revision: s.to}
		if err := s.EmitRange(from, to, again); err != nil {
			return err
		}
		for key, c := range changed {
			if feeds(s, c.row.Key.Kind) && !again.told[key] {
				if err := emitRow(again.Reissue, emptyOf(c.row, s.to)); err != nil {
					return err
				}
			}
		}
		if err := again.Flush(ctx); err != nil {
			return err
		}
	}
	return b.issueClosed(ctx, l)
}

// closing is how much further a running merge may have closed intervals while the rebuild went on. Rows in between are written
// by both, and are the same.
const closing = dayMs

// issueClosed writes the rows whose intervals no merge keeps.
func (b *Rebuilt) issueClosed(ctx context.Context, l *runtime.Ledger) error {
	closed, err := l.Options().ClosedBefore(b.complete + closing)
	if err != nil {
		return err
	}
	out := l.WriteRows()
	for i := range b.Changed {
		if r := &b.Changed[i].row; r.Key.Start < closed {
			if err := emitRow(out, *r); err != nil {
				return err
			}
		}
	}
	return out.Flush(ctx)
}

// again is the emitter that writes the partials of changed rows, and no others.
type again struct {
	runtime.Reissue
	ctx      context.Context
	changed  map[string]*RowChange
	told     map[string]bool // rows whose partial was written
	revision int64
	key      []byte
}

// wanted says whether the row at hand is to be written, and writes what has gathered.
func (a *again) wanted() (bool, error) {
	if _, ok := a.changed[string(a.key)]; !ok {
		return false, nil
	}
	a.told[string(a.key)] = true
	if a.Len() >= issueBatch {
		return true, a.Flush(a.ctx)
	}
	return true, nil
}

func (a *again) Queue(r *schemas.QueueInterval) error {
	a.key = transform.AppendQueueKey(a.key[:0], r)
	if ok, err := a.wanted(); !ok || err != nil {
		return err
	}
	r.Revision = a.revision
	return a.Reissue.Queue(r)
}

func (a *again) AgentQueue(r *schemas.AgentQueueInterval) error {
	a.key = transform.AppendAgentQueueKey(a.key[:0], r)
	if ok, err := a.wanted(); !ok || err != nil {
		return err
	}
	r.Revision = a.revision
	return a.Reissue.AgentQueue(r)
}

func (a *again) Agent(r *schemas.AgentInterval) error {
	a.key = transform.AppendAgentKey(a.key[:0], r)
	if ok, err := a.wanted(); !ok || err != nil {
		return err
	}
	r.Revision = a.revision
	return a.Reissue.Agent(r)
}

func emptyOf(r Row, revision int64) Row {
	empty := Row{Key: r.Key, Seconds: r.Seconds, Revision: revision, Cells: make([]int64, len(r.Cells))}
	for i, c := range Columns(r.Key.Kind) {
		if optional[c] {
			empty.Cells[i] = schemas.Null
		}
	}
	return empty
}

// optional are the columns that may have no value.
var optional = map[string]bool{"completed": true, "scheduled_ms": true, "adherent_ms": true}

// rowTaker takes rows or partials.
type rowTaker interface {
	Queue(*schemas.QueueInterval) error
	AgentQueue(*schemas.AgentQueueInterval) error
	Agent(*schemas.AgentInterval) error
}

// emitRow hands a row on as the record it is.
func emitRow(to rowTaker, r Row) error {
	k, c := r.Key, r.Cells
	switch k.Kind {
	case transform.KindQueue:
		return to.Queue(&schemas.QueueInterval{
			Tenant: k.Tenant, IntervalStart: k.Start, IntervalSeconds: r.Seconds, QueueID: k.QueueID, QueueName: r.Names[1], Channel: k.Channel,
			Offered: c[0], Answered: c[1], Abandoned: c[2], ShortAbandoned: c[3], AnsweredInSl: c[4], AbandonedInSl: c[5], TransferredOut: c[6], Overflowed: c[7],
			WaitMs: c[8], AbandonWaitMs: c[9], MaxWaitMs: c[10], TalkMs: c[11], HoldMs: c[12], WrapMs: c[13], ContactMs: c[14], HandleMs: c[15], Backlog: c[16],
			Facts: c[17], Final: r.Final, Revision: r.Revision,
		})
	case transform.KindAgentQueue:
		return to.AgentQueue(&schemas.AgentQueueInterval{
			Tenant: k.Tenant, IntervalStart: k.Start, IntervalSeconds: r.Seconds, AgentID: k.AgentID, AgentName: r.Names[0], QueueID: k.QueueID, QueueName: r.Names[1],
			Channel: k.Channel, Answered: c[0], Completed: c[1], TalkMs: c[2], HoldMs: c[3], WrapMs: c[4], ContactMs: c[5], HandleMs: c[6], DirectOut: c[7],
			Facts: c[8], Final: r.Final, Revision: r.Revision,
		})
	}
	return to.Agent(&schemas.AgentInterval{
		Tenant: k.Tenant, IntervalStart: k.Start, IntervalSeconds: r.Seconds, AgentID: k.AgentID, AgentName: r.Names[0], NotReadyByReason: r.Reasons,
		LoginMs: c[0], AvailableMs: c[1], OnContactMs: c[2], WrapMs: c[3], NotReadyMs: c[4], ConcurrencyMs: c[5], DirectOut: c[6], ScheduledMs: c[7],
		AdherentMs: c[8], Facts: c[9], Final: r.Final, Revision: r.Revision,
	})
}
