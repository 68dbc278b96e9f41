package runtime

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// keyed collects encoded rows by partition of their key, and writes them in the order they came.
type keyed struct {
	p       *pipeline
	topic   string
	stage   *observe.Stage
	arena   []byte
	batches [][]message
	records int
	wrote   crash.Name // reached after each partition
}

func (p *pipeline) newKeyed(topic string, m *observe.Stage, wrote crash.Name) *keyed {
	return &keyed{p: p, topic: topic, stage: m, wrote: wrote, batches: make([][]message, p.file.Partitions)}
}

func (k *keyed) add(partition, from, keyEnd int) {
	k.batches[partition] = append(k.batches[partition], message{from, keyEnd, len(k.arena)})
	k.records++
}

// flush writes everything collected and returns once it is acknowledged.
func (k *keyed) flush(ctx context.Context) error {
	now := k.p.now()
	group, ctx := errgroup.WithContext(ctx)
	for n, batch := range k.batches {
		if len(batch) == 0 {
			continue
		}
		group.Go(func() error {
			records := make([]broker.Record, len(batch))
			for i, m := range batch {
				records[i] = broker.Record{Key: k.arena[m.from:m.keyEnd], Value: k.arena[m.keyEnd:m.to], Time: now}
			}
			_, err := k.p.producer.Produce(ctx, k.topic, n, records)
			crash.Point(k.wrote)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	k.stage.Written(k.records, len(k.arena))
	k.arena, k.records = k.arena[:0], 0
	for n := range k.batches {
		k.batches[n] = k.batches[n][:0]
	}
	return nil
}

// partials is the transform.Emitter of one shard. A partial's key is its shard and its row's key, so that compaction keeps the
// newest of each shard; its partition follows from the row's key alone, so that all shards of a row meet in one merge.
type partials struct {
	*keyed
	shard string
}

func (p *pipeline) newPartials(shard string) *partials {
	return &partials{keyed: p.newKeyed(p.topics.partials(), p.metrics.intervals, crash.PartialsAppended), shard: shard}
}

var _ transform.Emitter = (*partials)(nil)

// begin writes the shard, so that the row's key can follow.
func (o *partials) begin() (from, keyAt int) {
	from = len(o.arena)
	o.arena = append(append(o.arena, o.shard...), 0)
	return from, len(o.arena)
}

func addRow[T schemas.Record](o *partials, row *T, key func([]byte, *T) []byte, w writer[T]) error {
	from, keyAt := o.begin()
	o.arena = key(o.arena, row)
	keyEnd := len(o.arena)
	partition := broker.Partition(o.arena[keyAt:keyEnd], len(o.batches))
	o.arena = w.append(o.arena, row)
	o.add(partition, from, keyEnd)
	return nil
}

func (o *partials) Queue(r *schemas.QueueInterval) error {
	return addRow(o, r, transform.AppendQueueKey, o.p.write.queue)
}

func (o *partials) AgentQueue(r *schemas.AgentQueueInterval) error {
	return addRow(o, r, transform.AppendAgentQueueKey, o.p.write.agentQueue)
}

func (o *partials) Agent(r *schemas.AgentInterval) error {
	return addRow(o, r, transform.AppendAgentKey, o.p.write.agent)
}

// Mark goes to every partition, behind the partials it covers: each merge must know how far every shard is.
func (o *partials) Mark(m *schemas.ShardMark) error {
	for n := range o.batches {
		from := len(o.arena)
		o.arena = append(append(o.arena, m.Shard...), 0) // marks of shifts are those of a shard of their own
		o.arena = append(append(o.arena, "\x00mark\x00"...), m.Source...)
		keyEnd := len(o.arena)
		o.arena = o.p.write.shardMark.append(o.arena, m)
		o.add(n, from, keyEnd)
	}
	return nil
}
