package transform

import (
	"math"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
)

// Unlimited are the options of a fold that counts every fact, however late it came: nothing is older than the retention, and
// final rows are corrected.
func (o Options) Unlimited() Options {
	o.Retention, o.Late = unlimitedRetention, LateRevise
	return o
}

// unlimitedRetention reaches from now to before the earliest instant a fact may carry.
const unlimitedRetention = 150 * 365 * 24 * time.Hour

// EmitRange hands on the partials of the intervals that start in [from, to). It is for shards that are folded as a whole, and
// may be called again and again, but never after Emit or Discard: those forget what was not changed since.
func (s *Shard) EmitRange(from, to int64, out Emitter) error {
	if s.contacts != nil {
		return s.emitContactRange(from, to, out)
	}
	return s.emitStateRange(from, to, out)
}

func (s *Shard) emitContactRange(from, to int64, out Emitter) (err error) {
	f := s.contacts
	f.queues.each(func(n uint32, r *queueRow) {
		if err != nil || r.start < from || r.start >= to {
			return
		}
		f.refresh(r)
		f.fillQueue(n, &s.out.queue)
		s.out.queue.Revision = s.next
		err = out.Queue(&s.out.queue)
	})
	f.agentQueues.each(func(n uint32, r *agentQueueRow) {
		if err != nil || r.start() < from || r.start() >= to {
			return
		}
		f.fillAgentQueue(n, &s.out.agentQueue)
		s.out.agentQueue.Revision = s.next
		if err = out.AgentQueue(&s.out.agentQueue); err == nil && f.fillAgent(n, &s.out.agent) {
			s.out.agent.Revision = s.next
			err = out.Agent(&s.out.agent)
		}
	})
	return err
}

func (s *Shard) emitStateRange(from, to int64, out Emitter) (err error) {
	f := s.agents
	f.timelines.each(func(n uint32, t *timeline) {
		f.tidy(t)
		for _, d := range t.dirty {
			if d.from, d.to = f.set.grid.next(max(d.from, from)), f.set.grid.next(min(d.to, to)); err == nil && d.from < d.to {
				err = f.emitStretch(t, d, out, s.next, &s.out.agent)
			}
		}
	})
	return err
}

// next is the start of the first interval that starts at an instant or after it.
func (g *Grid) next(ms int64) int64 {
	if start, end := g.Bounds(ms); start < ms {
		return end
	}
	return ms
}

// Marks hands on how far the shard has heard of each source.
func (s *Shard) Marks(each func(*schemas.ShardMark)) {
	for i := range s.sources.all {
		if src := &s.sources.all[i]; src.mark != schemas.Null {
			m := s.markOf(src)
			each(&m)
		}
	}
}

// Next is the offset behind the last record folded: the revision of the partials.
func (s *Shard) Next() int64 { return s.next }

// Name is the kind of fact and the partition, as "contact/3".
func (s *Shard) Name() string { return s.name }

// ClosedBefore is the start of the oldest interval that a merge keeps once its sources are complete through an instant: rows of
// earlier ones change no more, whatever partials come.
func (o Options) ClosedBefore(complete int64) (int64, error) {
	set, err := o.settings()
	if err != nil || complete == schemas.Null {
		return math.MinInt64, err
	}
	return set.grid.Start(complete - set.retention - slack), nil
}
