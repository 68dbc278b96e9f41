package runtime

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// QueueInterval buffers a copy of a row that the source has computed itself.
func (o *out) QueueInterval(ctx context.Context, r *schemas.QueueInterval) (err error) {
	r.Tenant, r.Final = o.p.file.Tenant, false
	if r.IntervalSeconds, err = o.seconds(r.IntervalStart); err != nil {
		return err
	}
	return addReported(ctx, o, transform.AppendQueueKey, o.p.write.queue, r)
}

// AgentQueueInterval buffers a copy of a row that the source has computed itself.
func (o *out) AgentQueueInterval(ctx context.Context, r *schemas.AgentQueueInterval) (err error) {
	r.Tenant, r.Final = o.p.file.Tenant, false
	if r.IntervalSeconds, err = o.seconds(r.IntervalStart); err != nil {
		return err
	}
	return addReported(ctx, o, transform.AppendAgentQueueKey, o.p.write.agentQueue, r)
}

// AgentInterval buffers a copy of a row that the source has computed itself.
func (o *out) AgentInterval(ctx context.Context, r *schemas.AgentInterval) (err error) {
	r.Tenant, r.Final = o.p.file.Tenant, false
	if r.IntervalSeconds, err = o.seconds(r.IntervalStart); err != nil {
		return err
	}
	return addReported(ctx, o, transform.AppendAgentKey, o.p.write.agent, r)
}

// addReported encodes a row as a partial whose shard is the source, so that it merges with what others know about the row.
func addReported[T schemas.Record](ctx context.Context, o *out, key func([]byte, *T) []byte, w writer[T], row *T) error {
	f := o.filling
	from := len(f.arena)
	f.arena = append(append(f.arena, transform.ReportedShard(o.source)...), 0)
	keyAt := len(f.arena)
	f.arena = key(f.arena, row)
	keyEnd := len(f.arena)
	partition := broker.Partition(f.arena[keyAt:keyEnd], o.p.file.Partitions)
	f.arena = w.append(f.arena, row)
	f.add(transform.FactInterval, partition, keyEnd, from)
	return o.flushIfFull(ctx)
}

// markReported writes a source's promise about its rows behind them, to every partition: no shard of facts passes it on.
func (o *out) markReported(ctx context.Context, completeThrough int64) error {
	shard := transform.ReportedShard(o.source)
	m := schemas.ShardMark{Tenant: o.p.file.Tenant, Shard: shard, Source: o.source, CompleteThrough: completeThrough, Revision: completeThrough}
	record := broker.Record{Key: []byte(shard + "\x00\x00mark\x00" + o.source), Value: o.p.write.shardMark.append(nil, &m), Time: o.p.now()}
	return o.promise(ctx, o.p.topics.partials(), record)
}

// seconds is the length of the interval that starts at the instant.
func (o *out) seconds(start int64) (seconds int32, err error) {
	if o.grid == nil {
		if o.grid, err = transform.NewGrid(o.p.file.Zone, o.p.file.Interval); err != nil {
			return 0, err
		}
	}
	from, to := o.grid.Bounds(start)
	if from != start {
		return 0, fmt.Errorf("a row is reported for %s, where no interval of %s begins", time.UnixMilli(start).UTC().Format(time.RFC3339), o.p.file.Interval)
	}
	return int32((to - from) / 1000), nil
}

// bounds is the pipeline's interval that holds an instant.
func (p *pipeline) bounds() (func(ms int64) (start, end int64), error) {
	grid, err := transform.NewGrid(p.file.Zone, p.file.Interval)
	if err != nil {
		return nil, err
	}
	var one sync.Mutex // a grid remembers the last offset it needed
	return func(ms int64) (start, end int64) {
		one.Lock()
		defer one.Unlock()
		return grid.Bounds(ms)
	}, nil
}
