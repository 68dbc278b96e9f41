package runtime

import (
	"bytes"
	"context"
	"fmt"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// ReadFacts hands over the messages of a shard's log in [from, to). wanted, where given, sees the message's key first: what it
// refuses is not decoded.
func (l *Ledger) ReadFacts(ctx context.Context, s ShardLog, from, to int64, wanted func(key []byte) bool, each func(*FactMessage) error) error {
	d := &factDecoding{p: l.p, reader: newReader(ctx, l.p.registry)}
	return l.read(ctx, s.Topic, s.Partition, from, to, func(r *broker.Record) error {
		if wanted != nil && !wanted(r.Key) {
			return nil
		}
		m, err := d.decode(r)
		if err != nil {
			return err
		}
		return each(m)
	})
}

func (l *Ledger) read(ctx context.Context, topic string, partition int, from, to int64, each func(*broker.Record) error) error {
	if from >= to {
		return nil
	}
	err := l.p.cluster.ReadAll(ctx, topic, partition, from, to, func(b *broker.Batch) error {
		for i := range b.Records {
			r := &b.Records[i]
			if r.Offset < from || r.Offset >= to {
				continue
			}
			if err := each(r); err != nil {
				return fmt.Errorf("offset %d: %w", r.Offset, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read %s/%d: %w", topic, partition, err)
	}
	return nil
}

// RowMessage is one message of the rows or the partials; one of the records is set. All of it is only valid during the call.
type RowMessage struct {
	Partition   int
	Offset, At  int64  // At: when it was written, milliseconds since 1970
	Shard       string // of a partial
	Key         []byte // of the row, as transform's Append functions write it
	Queue       *schemas.QueueInterval
	AgentQueue  *schemas.AgentQueueInterval
	Agent       *schemas.AgentInterval
	Complete    *schemas.Completeness
	Mark        *schemas.ShardMark // of ReadReported only
	recordQueue schemas.QueueInterval
	recordPair  schemas.AgentQueueInterval
	recordAgent schemas.AgentInterval
	recordDone  schemas.Completeness
	recordMark  schemas.ShardMark
}

// RowPartition is the partition of rows and partials that a row's key belongs to.
func (l *Ledger) RowPartition(key []byte) int { return broker.Partition(key, l.p.file.Partitions) }

// Rows is what each partition of the rows holds.
func (l *Ledger) Rows(ctx context.Context) ([]broker.Range, error) {
	return l.p.cluster.Offsets(ctx, l.p.topics.rows())
}

// ReadRows hands over every revision of the rows that one partition holds in [from, to), in the order they were written. wanted,
// where given, sees the row's key first.
func (l *Ledger) ReadRows(ctx context.Context, partition int, from, to int64, wanted func(key []byte) bool, each func(*RowMessage) error) error {
	d := &RowMessage{}
	reader := newReader(ctx, l.p.registry)
	return l.read(ctx, l.p.topics.rows(), partition, from, to, func(r *broker.Record) error {
		if !original(r.Key) || wanted != nil && !wanted(r.Key) {
			return nil
		}
		return d.take(reader, partition, r, r.Key, "", each)
	})
}

// Partials is what each partition of the partials holds.
func (l *Ledger) Partials(ctx context.Context) ([]broker.Range, error) {
	return l.p.cluster.Offsets(ctx, l.p.topics.partials())
}

// ReadPartials is ReadRows for partials; their shards' marks are passed over.
func (l *Ledger) ReadPartials(ctx context.Context, partition int, from, to int64, wanted func(key []byte) bool, each func(*RowMessage) error) error {
	d := &RowMessage{}
	reader := newReader(ctx, l.p.registry)
	return l.read(ctx, l.p.topics.partials(), partition, from, to, func(r *broker.Record) error {
		shard, key, found := bytes.Cut(r.Key, []byte{0})
		if !found || len(key) == 0 || key[0] == 0 || wanted != nil && !wanted(key) {
			return nil
		}
		return d.take(reader, partition, r, key, string(shard), each)
	})
}

// PartialsTopic is the topic of the pipeline's partials.
func (l *Ledger) PartialsTopic() string { return l.p.topics.partials() }

// ReadReported hands over what sources report about rows themselves, every revision, and their promises, as one partition of the
// partials holds them in [from, to).
func (l *Ledger) ReadReported(ctx context.Context, partition int, from, to int64, each func(*RowMessage) error) error {
	d := &RowMessage{}
	reader := newReader(ctx, l.p.registry)
	return l.read(ctx, l.p.topics.partials(), partition, from, to, func(r *broker.Record) error {
		shard, key, found := bytes.Cut(r.Key, []byte{0})
		if !found {
			return nil
		}
		if _, ok := transform.ReportedBy(string(shard)); !ok {
			return nil
		}
		return d.take(reader, partition, r, key, string(shard), each)
	})
}

func (d *RowMessage) take(reader *reader, partition int, r *broker.Record, key []byte, shard string, each func(*RowMessage) error) error {
	e, payload, err := reader.open(r.Value)
	if err != nil {
		return err
	}
	d.Partition, d.Offset, d.At, d.Shard, d.Key = partition, r.Offset, r.Time.UnixMilli(), shard, key
	d.Queue, d.AgentQueue, d.Agent, d.Complete, d.Mark = nil, nil, nil, nil, nil
	switch e.kind {
	case queueKind:
		d.Queue, err = &d.recordQueue, decode(e, payload, &d.recordQueue)
	case agentQueueKind:
		d.AgentQueue, err = &d.recordPair, decode(e, payload, &d.recordPair)
	case agentKind:
		d.Agent, err = &d.recordAgent, decode(e, payload, &d.recordAgent)
	case completenessKind:
		d.Complete, err = &d.recordDone, decode(e, payload, &d.recordDone)
	case shardMarkKind:
		d.Mark, err = &d.recordMark, decode(e, payload, &d.recordMark)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return each(d)
}

// DeadLetters hands over the pipeline's dead letters in the order they were written. An input refused again comes again.
func (l *Ledger) DeadLetters(ctx context.Context, each func(*schemas.DeadLetter) error) error {
	ranges, err := l.p.cluster.Offsets(ctx, l.p.topics.deadLetters())
	if err != nil {
		return err
	}
	reader := newReader(ctx, l.p.registry)
	var letter schemas.DeadLetter
	for n, at := range ranges {
		err := l.read(ctx, l.p.topics.deadLetters(), n, at.First, at.Next, func(r *broker.Record) error {
			e, payload, err := reader.open(r.Value)
			if err != nil || e.kind != deadLetterKind {
				return err
			}
			if err = decode(e, payload, &letter); err != nil {
				return err
			}
			return each(&letter)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
