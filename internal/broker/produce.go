package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// newProduceExchange is a request, of the versions 3 to 8, that carries one batch.
func (c *Cluster) newProduceExchange(to topicPartition, batch func() []byte) *exchange {
	x := &exchange{key: protocol.Produce, topic: to.topic, partition: int32(to.partition), client: c.client, minimum: 3, maximum: 8}
	x.body = func(b []byte, _ int16) []byte {
		b = appendInt16(b, -1) // no transaction
		b = appendInt16(b, -1) // all replicas in sync
		b = appendInt32(b, int32(ackTimeout/time.Millisecond))
		b = appendInt32(b, 1)
		b = appendString(b, to.topic)
		b = appendInt32(b, 1)
		b = appendInt32(b, int32(to.partition))
		set := batch()
		return append(appendInt32(b, int32(len(set))), set...)
	}
	return x
}

// decodeProduced reads the answer: the offset of the batch's first record.
func decodeProduced(x *exchange) (int64, error) {
	c := cursor{buf: x.answer}
	if c.count(4) != 1 || c.string() != x.topic || c.count(4) != 1 || c.int32() != x.partition {
		return -1, fmt.Errorf("the answer to a write is about another partition: %w", errShort)
	}
	failure := code(c.int16())
	base := c.int64()
	c.int64() // time of appending
	if x.version >= 5 {
		c.int64() // log start
	}
	if x.version >= 8 {
		for range c.count(6) {
			c.int32() // the record's number
			if detail := c.string(); detail != "" && failure != nil {
				failure = fmt.Errorf("%w: %s", failure, detail)
			}
		}
		if detail := c.string(); detail != "" && failure != nil {
			failure = fmt.Errorf("%w: %s", failure, detail)
		}
	}
	if err := c.err(); err != nil {
		return -1, err
	}
	return base, failure
}

// sign asks for a number under which the broker recognises a batch that is sent again. Each lane has its own, so that a
// failure on one does not concern the others.
func (l *lane) sign(ctx context.Context) error {
	x := &exchange{key: protocol.InitProducerId, client: l.cluster.client, maximum: 1}
	x.body = func(b []byte, _ int16) []byte {
		b = appendInt16(b, -1) // no transaction
		return appendInt32(b, -1)
	}
	if _, err := l.cluster.roundTrip(ctx, x, l.cluster.timeout); err != nil {
		return err
	}
	c := cursor{buf: x.answer}
	c.int32() // throttled for
	err := code(c.int16())
	id, epoch := c.int64(), c.int16()
	switch {
	case c.short:
		return errShort
	case errors.Is(err, kafka.ClusterAuthorizationFailed):
		l.cluster.log.Warn("kafka: not allowed to write idempotently: a lost acknowledgement will write twice; grant IdempotentWrite on the cluster")
		l.unsigned = true
		return nil
	case err != nil:
		return fmt.Errorf("ask for a producer id: %w", err)
	}
	l.signature = producerState{id: id, epoch: epoch}
	return nil
}
