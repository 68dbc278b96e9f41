package runtime

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// merging is one partition of partials at work: it keeps the newest partial of every shard and writes the rows that changed.
type merging struct {
	p        *pipeline
	assigned *broker.Assigned
	merge    *transform.Merge
	reader   *reader
	out      *rows

	queue      schemas.QueueInterval
	agentQueue schemas.AgentQueueInterval
	agent      schemas.AgentInterval
	mark       schemas.ShardMark

	next, replayTo int64
	replaying      bool
	emitted        time.Time
}

func (p *pipeline) runMerge(ctx context.Context, a *broker.Assigned) error {
	m := &merging{
		p: p, assigned: a, merge: transform.NewMerge(p.options, p.feeds()), reader: newReader(ctx, p.registry),
		out: &rows{keyed: p.newKeyed(p.topics.rows(), p.metrics.merge, crash.RowsAppended), partition: a.Partition()}, replayTo: a.Committed(),
	}
	var err error
	if m.next, err = p.firstOffset(ctx, a.Topic(), a.Partition()); err != nil {
		return err
	}
	m.emitted, m.replaying = p.now(), m.replayTo > m.next
	defer p.metrics.merge.Lost(a.Topic(), a.Partition())
	for ctx.Err() == nil {
		if err := m.step(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("merge of partials partition %d at offset %d: %w", a.Partition(), m.next, err)
		}
	}
	return nil
}

// feeds is every promise that rows wait for: each source, in each shard of each kind of fact it writes, and as the one shard of
// the rows that it reports.
func (p *pipeline) feeds() []transform.Feed {
	var feeds []transform.Feed
	for _, s := range p.file.Sources {
		for _, fact := range s.Registration.Facts(s.Options) {
			if fact == transform.FactInterval {
				feeds = append(feeds, transform.Feed{Shard: transform.ReportedShard(s.Name), Source: s.Name, Fact: fact})
				continue
			}
			for n := range p.file.Partitions {
				feeds = append(feeds, transform.Feed{Shard: fmt.Sprintf("%s/%d", fact, n), Source: s.Name, Fact: fact})
			}
		}
	}
	return feeds
}

func (m *merging) step(ctx context.Context) error {
	b, err := m.assigned.Fetch(ctx, m.next)
	if err != nil {
		return err
	}
	started := m.p.now()
	size := 0
	for i := range b.Records {
		r := &b.Records[i]
		if r.Offset < m.next {
			continue
		}
		m.endReplay(r.Offset)
		if err := m.take(r); err != nil {
			return fmt.Errorf("offset %d: %w", r.Offset, err)
		}
		m.next = r.Offset + 1
		size += len(r.Value)
	}
	m.next = max(m.next, b.Next)
	m.endReplay(m.next)
	m.p.metrics.merge.Batch(len(b.Records), size, m.p.now().Sub(started))
	m.p.metrics.merge.Lag(m.assigned.Topic(), m.assigned.Partition(), b.HighWatermark-m.next)
	if m.replaying {
		return nil
	}
	if len(b.Records) > 0 {
		crash.Point(crash.MergeTaken)
	}
	if m.next <= m.assigned.Committed() || !m.p.due(StageMerge, m.next >= b.HighWatermark, m.emitted) {
		return nil
	}
	return m.emit(ctx)
}

// emit writes the rows that changed, and commits once that is acknowledged.
func (m *merging) emit(ctx context.Context) error {
	m.emitted = m.p.now()
	if err := m.merge.Emit(m.out); err != nil {
		return err
	}
	crash.Point(crash.RowsMade)
	if err := m.out.flush(ctx); err != nil {
		return err
	}
	crash.Point(crash.RowsWritten)
	if err := m.assigned.Commit(ctx, m.next); err != nil {
		return err
	}
	crash.Point(crash.MergeCommitted)
	return nil
}

// endReplay forgets what changed while the merge was restoring: an earlier run has written it.
func (m *merging) endReplay(offset int64) {
	if m.replaying && offset >= m.replayTo {
		m.merge.Discard()
		m.replaying = false
		crash.Point(crash.MergeReplayed)
	}
}

func (m *merging) take(r *broker.Record) error {
	shard, _, found := bytes.Cut(r.Key, []byte{0})
	if !found {
		return fmt.Errorf("partial without a shard in its key %q", r.Key)
	}
	e, payload, err := m.reader.open(r.Value)
	if err != nil {
		return err
	}
	switch e.kind {
	case queueKind:
		if err = decode(e, payload, &m.queue); err == nil {
			m.merge.Queue(string(shard), &m.queue)
		}
	case agentQueueKind:
		if err = decode(e, payload, &m.agentQueue); err == nil {
			m.merge.AgentQueue(string(shard), &m.agentQueue)
		}
	case agentKind:
		if err = decode(e, payload, &m.agent); err == nil {
			m.merge.Agent(string(shard), &m.agent)
		}
	case shardMarkKind:
		if err = decode(e, payload, &m.mark); err == nil {
			m.merge.Mark(&m.mark)
		}
	default:
		err = fmt.Errorf("a record of schema %q does not belong in the topic of partials", e.name)
	}
	return err
}

// rows is the transform.RowEmitter of one merge: rows stay in the partition of their partials.
type rows struct {
	*keyed
	partition int
}

var _ transform.RowEmitter = (*rows)(nil)

func addMerged[T schemas.Record](o *rows, row *T, key func([]byte, *T) []byte, w writer[T]) error {
	from := len(o.arena)
	o.arena = key(o.arena, row)
	keyEnd := len(o.arena)
	o.arena = w.append(o.arena, row)
	o.add(o.partition, from, keyEnd)
	return nil
}

func (o *rows) Queue(r *schemas.QueueInterval) error {
	return addMerged(o, r, transform.AppendQueueKey, o.p.write.queue)
}

func (o *rows) AgentQueue(r *schemas.AgentQueueInterval) error {
	return addMerged(o, r, transform.AppendAgentQueueKey, o.p.write.agentQueue)
}

func (o *rows) Agent(r *schemas.AgentInterval) error {
	return addMerged(o, r, transform.AppendAgentKey, o.p.write.agent)
}

func (o *rows) Completeness(r *schemas.Completeness) error {
	// Every merge knows the same, and says it behind the rows of its own partition.
	return addMerged(o, r, func(dst []byte, r *schemas.Completeness) []byte {
		return appendKey(append(dst, 'c'), r.Tenant, r.Pipeline)
	}, o.p.write.completeness)
}
