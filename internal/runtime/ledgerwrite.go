package runtime

import (
	"context"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// Note repeats a promise in a shard's log, and returns the offset behind it. The promise changes nothing, but partials with
// that offset as revision are newer than all that the shard had handed on before.
func (l *Ledger) Note(ctx context.Context, s ShardLog, source string, completeThrough int64) (next int64, err error) {
	m := schemas.Mark{Tenant: l.p.file.Tenant, Source: source, Fact: s.Fact, CompleteThrough: completeThrough}
	record := broker.Record{Key: appendKey(nil, l.p.file.Tenant, "\x00mark\x00"+source), Value: l.p.write.mark.append(nil, &m), Time: l.p.now()}
	base, err := l.p.producer.Produce(ctx, s.Topic, s.Partition, []broker.Record{record})
	crash.Point(crash.RebuildPromised)
	return base + 1, err
}

// Reissue takes partials of a shard and writes them at Flush.
type Reissue struct{ *partials }

var _ transform.Emitter = Reissue{}

// Reissue begins to write partials in a shard's name. Not safe for concurrent use.
func (l *Ledger) Reissue(shard string) Reissue { return Reissue{l.p.newPartials(shard)} }

// Flush writes what was taken, and returns once it is acknowledged.
func (r Reissue) Flush(ctx context.Context) error {
	err := r.flush(ctx)
	crash.Point(crash.RebuildReissued)
	return err
}

// Len is how many partials wait for Flush.
func (r Reissue) Len() int { return r.records }

// RowWriter takes rows and writes them at Flush, each to the partition of its key.
type RowWriter struct{ k *keyed }

// WriteRows begins to write rows that no merge holds any more. Not safe for concurrent use.
func (l *Ledger) WriteRows() RowWriter {
	return RowWriter{&keyed{p: l.p, topic: l.p.topics.rows(), stage: l.p.metrics.merge, batches: make([][]message, l.p.file.Partitions)}}
}

func addDirect[T schemas.Record](w RowWriter, row *T, key func([]byte, *T) []byte, enc writer[T]) error {
	from := len(w.k.arena)
	w.k.arena = key(w.k.arena, row)
	keyEnd := len(w.k.arena)
	partition := broker.Partition(w.k.arena[from:keyEnd], len(w.k.batches))
	w.k.arena = enc.append(w.k.arena, row)
	w.k.add(partition, from, keyEnd)
	return nil
}

// Queue takes a row.
func (w RowWriter) Queue(r *schemas.QueueInterval) error {
	return addDirect(w, r, transform.AppendQueueKey, w.k.p.write.queue)
}

// AgentQueue takes a row.
func (w RowWriter) AgentQueue(r *schemas.AgentQueueInterval) error {
	return addDirect(w, r, transform.AppendAgentQueueKey, w.k.p.write.agentQueue)
}

// Agent takes a row.
func (w RowWriter) Agent(r *schemas.AgentInterval) error {
	return addDirect(w, r, transform.AppendAgentKey, w.k.p.write.agent)
}

// Flush writes what was taken, and returns once it is acknowledged.
func (w RowWriter) Flush(ctx context.Context) error { return w.k.flush(ctx) }
