package flow

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
)

// rowsOf are the newest revisions of the reported rows, as the log has them.
func rowsOf(l *log) (queues map[string]schemas.QueueInterval, pairs map[string]schemas.AgentQueueInterval, agents map[string]schemas.AgentInterval) {
	queues, pairs, agents = map[string]schemas.QueueInterval{}, map[string]schemas.AgentQueueInterval{}, map[string]schemas.AgentInterval{}
	for _, e := range l.facts() {
		switch r := e.fact.(type) {
		case *schemas.QueueInterval:
			if r.Revision > queues[r.QueueID].Revision {
				queues[r.QueueID] = *r
			}
		case *schemas.AgentQueueInterval:
			if r.Revision > pairs[r.AgentID].Revision {
				pairs[r.AgentID] = *r
			}
		case *schemas.AgentInterval:
			if r.Revision > agents[r.AgentID].Revision {
				agents[r.AgentID] = *r
			}
		}
	}
	return queues, pairs, agents
}

// Rows that a vendor computes are corrected with a greater revision, and what it no longer has becomes a row of zeros.
func TestReportedRowsAreCorrectedAndWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start := clock.Now().Add(-time.Hour).Truncate(15 * time.Minute).UnixMilli()
		reads := 0
		f := Flow{
			Name: "statistics", Facts: []string{"interval"}, Schedule: Schedule{Every: 15 * time.Minute}, Replaces: true,
			Window: Window{Back: 2 * time.Hour, Overlap: 2 * time.Hour},
			Read: func(ctx context.Context, r *Read) error {
				reads++
				offered := int64(7)
				if reads > 2 {
					offered = 9
				}
				if err := r.QueueInterval(ctx, &schemas.QueueInterval{IntervalStart: start, QueueID: "q", Channel: "email", Offered: offered, Facts: 1}); err != nil || reads > 2 {
					return err
				}
				pair := &schemas.AgentQueueInterval{IntervalStart: start, AgentID: "a", QueueID: "q", Channel: "email", Answered: 3, Completed: 2, Facts: 1}
				if err := r.AgentQueueInterval(ctx, pair); err != nil {
					return err
				}
				return r.AgentInterval(ctx, &schemas.AgentInterval{
					IntervalStart: start, AgentID: "a", LoginMs: 900_000, ScheduledMs: schemas.Null, AdherentMs: schemas.Null, Facts: 1,
				})
			},
		}
		l.runFor(t, time.Minute, f)
		before := len(l.facts())
		l.runFor(t, 20*time.Minute, f)
		if before != 3 || reads != 2 {
			t.Errorf("%d rows after the first of %d reads", before, reads)
		}
		if l.promised["interval"] == 0 {
			t.Errorf("no promise: %v", l.marks)
		}
		l.runFor(t, 20*time.Minute, f)
		queues, pairs, agents := rowsOf(l)
		if q := queues["q"]; q.Offered != 9 || q.Facts != 1 {
			t.Errorf("corrected: %+v", q)
		}
		if p := pairs["a"]; p.Answered != 0 || p.Completed != schemas.Null || p.Facts != 0 || p.QueueID != "q" || p.Channel != "email" || p.IntervalStart != start {
			t.Errorf("withdrawn: %+v", p)
		}
		if a := agents["a"]; a.LoginMs != 0 || a.ScheduledMs != schemas.Null || a.AdherentMs != schemas.Null || a.Facts != 0 || a.IntervalStart != start {
			t.Errorf("withdrawn: %+v", a)
		}
	})
}
