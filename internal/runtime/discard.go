package runtime

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// discardedMark is at the end of the key under which it is written down that a person discarded a record: compaction keeps that beside the last
// attempt, which a run may be writing down just now.
const discardedMark = "\x00" + delivery.Discarded

// Discard lists dead letters no more; they stay in the log. What a sink could not deliver is settled by that: the log of deliveries says so,
// where it is not delivered in a newer revision meanwhile.
func (m *Morgue) Discard(ctx context.Context, letters ...*schemas.DeadLetter) error {
	byPipeline := map[string][]*schemas.DeadLetter{}
	for _, d := range letters {
		byPipeline[d.Pipeline] = append(byPipeline[d.Pipeline], d)
	}
	for _, name := range slices.Sorted(maps.Keys(byPipeline)) {
		if err := m.settle(ctx, topics{name}.deliveries(), byPipeline[name]); err != nil {
			return fmt.Errorf("write down what is discarded of pipeline %q: %w", name, err)
		}
		for part := range slices.Chunk(byPipeline[name], redriveBatch) {
			if err := m.done(ctx, part, "discarded"); err != nil {
				return err
			}
		}
	}
	return nil
}

// deadRow is the newest attempt of a record that is to be discarded.
type deadRow struct {
	last      schemas.Delivery
	partition int
	letter    int64 // the revision that is discarded
}

// settle writes down for each record that was given up that a person has discarded it.
func (m *Morgue) settle(ctx context.Context, topic string, letters []*schemas.DeadLetter) error {
	dead := map[string]*deadRow{} // by sink and record
	for _, d := range letters {
		if key, revision, err := located(d.Location); err == nil && d.Stage == "sink" {
			name := d.Source + "\x00" + key
			if dead[name] == nil {
				dead[name] = &deadRow{}
			}
			dead[name].letter = max(dead[name].letter, revision)
		}
	}
	if len(dead) == 0 {
		return nil
	}
	if err := m.lastAttempts(ctx, topic, dead); err != nil {
		return err
	}
	w, err := newWriter[schemas.Delivery](ctx, m.Registry)
	if err != nil {
		return err
	}
	records := map[int][]broker.Record{}
	for _, name := range slices.Sorted(maps.Keys(dead)) {
		row := dead[name]
		if d := row.last; d.Outcome == delivery.Dead && d.Revision == row.letter {
			d.Outcome, d.LatencyMs, d.AttemptedAt = delivery.Discarded, 0, max(m.Now().UnixMilli(), d.AttemptedAt+1)
			key := appendKey(nil, d.Sink, d.RowKey+discardedMark)
			records[row.partition] = append(records[row.partition], broker.Record{Key: key, Value: w.append(nil, &d), Time: m.Now()})
		}
	}
	producer := m.Cluster.NewProducer(broker.ProducerOptions{})
	for _, n := range slices.Sorted(maps.Keys(records)) {
		if _, err := producer.Produce(ctx, topic, n, records[n]); err != nil {
			return err
		}
	}
	return nil
}

// lastAttempts reads what the log of deliveries says of records: the newest revision counts, and of it what was written last.
func (m *Morgue) lastAttempts(ctx context.Context, topic string, dead map[string]*deadRow) error {
	ranges, err := m.Cluster.Offsets(ctx, topic)
	if err != nil {
		return err
	}
	reader := newReader(ctx, m.Registry)
	var d schemas.Delivery
	for n, at := range ranges {
		err := m.Cluster.ReadAll(ctx, topic, n, at.First, at.Next, func(b *broker.Batch) error {
			for _, r := range b.Records {
				e, payload, err := reader.open(append([]byte(nil), r.Value...))
				if err == nil {
					err = decode(e, payload, &d)
				}
				if err != nil {
					return fmt.Errorf("%s/%d@%d: %w", topic, n, r.Offset, err)
				}
				if row := dead[d.Sink+"\x00"+d.RowKey]; row != nil && d.Outcome != delivery.Retry && d.Revision >= row.last.Revision {
					row.last, row.partition = d, n
				}
			}
			m.report("read "+topic, b.Next-at.First, at.Next-at.First, "records")
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
