package broker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/quarterhour/quarterhour/internal/crash"
)

// ProducerOptions tune a producer. The zero value is right for most.
type ProducerOptions struct {
	Compression Compression // default LZ4
	// BatchBytes bounds a batch before compression; default 1,000,000, just below what brokers take unless told otherwise. A
	// topic that takes less is found out: the batch is then halved.
	BatchBytes int
}

// Producer writes records. It waits for all replicas in sync, keeps one request per partition in flight, and writes each
// batch once even if an acknowledgement is lost. Its methods may be called from any goroutine. It holds no connection of its
// own, and nothing needs to be closed.
type Producer struct {
	cluster *Cluster
	options ProducerOptions

	mu    sync.Mutex
	lanes map[topicPartition]*lane
}

type topicPartition struct {
	topic     string
	partition int
}

// NewProducer makes a producer. One for the whole process is enough.
func (c *Cluster) NewProducer(o ProducerOptions) *Producer {
	if o.BatchBytes <= 0 {
		o.BatchBytes = 1_000_000
	}
	return &Producer{cluster: c, options: o, lanes: map[topicPartition]*lane{}}
}

// Produce writes the records in order and returns once all are acknowledged; the offset is the first one's, -1 where there
// are no records or the broker no longer knows it. Nothing of the records is retained.
//
// At the first batch that fails for good the rest is not sent, and calls that already waited for the same partition fail with
// the same error, so that a gap is never written over. A failed call may have written some of its records, a prefix of
// them. When ctx ends, a batch under way is still awaited, so that nothing can be written after the call has returned.
func (p *Producer) Produce(ctx context.Context, topic string, partition int, records []Record) (int64, error) {
	if len(records) == 0 {
		return -1, ctx.Err()
	}
	l, err := p.lane(topicPartition{topic, partition})
	if err != nil {
		return -1, err
	}
	failures := l.failures()
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return -1, ctx.Err()
	}
	defer func() { <-l.turn }()
	if n, err := l.failed(); n != failures {
		return -1, fmt.Errorf("not sent, since what came before failed: %w", err)
	}
	base := int64(-1)
	for at := 0; at < len(records); {
		n := l.fit(records[at:], p.options.BatchBytes)
		offset, err := l.send(ctx, records[at:at+n])
		if err != nil {
			return -1, l.fail(ctx, fmt.Errorf("produce to topic %q partition %d: %w", topic, partition, err))
		}
		crash.Point(crash.BatchAcknowledged)
		if at == 0 {
			base = offset
		}
		at += n
	}
	return base, nil
}

func (p *Producer) lane(tp topicPartition) (*lane, error) {
	number, err := p.options.Compression.codec()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[tp]
	if l == nil {
		l = &lane{
			cluster: p.cluster, compression: number, to: tp,
			turn: make(chan struct{}, 1), signature: producerState{id: -1},
		}
		p.lanes[tp] = l
	}
	return l, nil
}

// lane is the way to one partition: whoever holds its turn may write.
type lane struct {
	cluster     *Cluster
	compression codec
	to          topicPartition
	turn        chan struct{}

	mu    sync.Mutex
	count int   // of failures
	last  error // the last of them

	// The rest belongs to the holder of the turn.
	signature producerState // an id of -1: to be asked for
	unsigned  bool          // we are not allowed to be idempotent
	encoder   batchEncoder
	batch     []byte
	exchange  *exchange
}

func (l *lane) failures() int {
	n, _ := l.failed()
	return n
}

func (l *lane) failed() (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count, l.last
}

// fail notes the error for those who wait, except where only this caller has given up, and forgets the signature: whether
// the broker has the last batch is not known, and reusing its number for another would lose that one.
func (l *lane) fail(ctx context.Context, err error) error {
	l.signature = producerState{id: -1}
	if ctx.Err() == nil {
		l.mu.Lock()
		l.count, l.last = l.count+1, err
		l.mu.Unlock()
	}
	return err
}

// fit is how many of the records go into one batch: at least one.
func (l *lane) fit(records []Record, limit int) int {
	size := batchHeader
	for i := range records {
		if size += recordSize(&records[i]); size > limit && i > 0 {
			return i
		}
	}
	return len(records)
}

// send writes one batch, in halves if the topic takes only smaller ones.
func (l *lane) send(ctx context.Context, records []Record) (int64, error) {
	base, err := l.sendWhole(ctx, records)
	if !errors.Is(err, kafka.MessageSizeTooLarge) {
		return base, err
	}
	if len(records) == 1 {
		return -1, fmt.Errorf("a record of %d bytes is more than the topic takes (its max.message.bytes): %w", recordSize(&records[0]), err)
	}
	half := len(records) / 2
	if base, err = l.send(ctx, records[:half]); err != nil {
		return -1, err
	}
	_, err = l.send(ctx, records[half:])
	return base, err
}

func (l *lane) sendWhole(ctx context.Context, records []Record) (int64, error) {
	base := int64(-1)
	encoded := false
	err := l.cluster.retry(ctx, "write", func(ctx context.Context) error {
		if l.signature.sequence > math.MaxInt32-int32(len(records)) {
			l.signature.id = -1
		}
		if l.signature.id < 0 && !l.unsigned {
			encoded = false
			if err := l.sign(ctx); err != nil {
				return err
			}
		}
		if !encoded {
			var err error
			if l.batch, err = l.encoder.append(l.batch[:0], records, l.compression, l.signature); err != nil {
				return err
			}
			encoded = true
		}
		offset, err := l.attempt(ctx)
		switch {
		case errors.Is(err, kafka.DuplicateSequenceNumber):
			base = -1 // it is there, from an attempt before
			return nil
		case outOfSequence(err):
			l.signature.id = -1
			return fmt.Errorf("%w: %w", kafka.RequestTimedOut, err) // the next attempt signs anew
		case err != nil:
			return err
		}
		base = offset
		return nil
	})
	if err == nil && l.signature.id >= 0 {
		l.signature.sequence += int32(len(records))
	}
	return base, err
}

// outOfSequence says that the broker does not know us as the writer of what came before: it forgets after days without a
// record, or when its state is lost.
func outOfSequence(err error) bool {
	return errors.Is(err, kafka.OutOfOrderSequenceNumber) || errors.Is(err, kafka.UnknownProducerId) ||
		errors.Is(err, kafka.InvalidProducerEpoch) || errors.Is(err, kafka.InvalidProducerIDMapping)
}

const (
	ackTimeout = 10 * time.Second // for the replicas
	ackGrace   = 2 * time.Second  // for the broker to say that they did not
)

// attempt sends the batch once and waits for the answer, whatever becomes of ctx.
func (l *lane) attempt(ctx context.Context) (int64, error) {
	if l.exchange == nil {
		l.exchange = l.cluster.newProduceExchange(l.to, func() []byte { return l.batch })
	}
	x := l.exchange
	if _, err := l.cluster.roundTrip(context.WithoutCancel(ctx), x, ackTimeout+ackGrace); err != nil {
		// The request may still be under way and own the memory it was made of.
		l.exchange, l.batch = nil, append([]byte(nil), l.batch...)
		return -1, err
	}
	return decodeProduced(x)
}
