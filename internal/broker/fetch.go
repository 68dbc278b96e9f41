package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

const (
	// fetchWait is how long a broker holds a fetch for which there is nothing yet.
	fetchWait = 250 * time.Millisecond
	// fetchBytes is what one fetch brings at most, but for a single batch that is larger: enough that the round trip does not
	// show, little enough that what is read stays in the processor's cache until it is worked on.
	fetchBytes = 2 << 20
	// corruptAttempts is how often a damaged batch is read again before it is an error.
	corruptAttempts = 3
)

// fetcher reads one partition. While a batch is worked on it fetches the next, if there is more. Not for concurrent use.
type fetcher struct {
	cluster   *Cluster
	topic     string
	partition int

	spare, handed *slot
	ahead         chan fetched // holds the one fetch under way; nil where none is
	aheadFrom     int64
	stop          context.CancelFunc // of the fetch under way
}

// slot is the memory of one fetch.
type slot struct {
	exchange *exchange
	decoder  batchDecoder
	aborted  []aborted
	batch    Batch
}

type fetched struct {
	slot *slot
	err  error
}

func (c *Cluster) newFetcher(topic string, partition int) *fetcher {
	return &fetcher{cluster: c, topic: topic, partition: partition, spare: c.newSlot(topic, partition), handed: c.newSlot(topic, partition)}
}

func (c *Cluster) newSlot(topic string, partition int) *slot {
	return &slot{exchange: c.newFetchExchange(topic, partition), decoder: batchDecoder{topic: topic, partition: partition}}
}

func (c *Cluster) newFetchExchange(topic string, partition int) *exchange {
	return &exchange{key: protocol.Fetch, topic: topic, partition: int32(partition), client: c.client, minimum: 4, maximum: 11}
}

// fetch reads from the offset on. The batch before is void from here on.
func (f *fetcher) fetch(ctx context.Context, from int64) (*Batch, error) {
	var got fetched
	if f.ahead != nil && f.aheadFrom == from {
		select {
		case got = <-f.ahead:
			f.ahead = nil
			f.stop()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if errors.Is(got.err, context.Canceled) && ctx.Err() == nil { // it was the context of the call before that ended
			got = f.cluster.read(ctx, f.spare, from)
		}
	} else {
		f.drop()
		got = f.cluster.read(ctx, f.spare, from)
	}
	if got.err != nil {
		return nil, got.err
	}
	f.spare, f.handed = f.handed, got.slot
	b := &got.slot.batch
	if b.Next < b.HighWatermark && b.Next > from {
		f.readAhead(ctx, b.Next)
	}
	return b, nil
}

func (f *fetcher) readAhead(ctx context.Context, from int64) {
	ctx, f.stop = context.WithCancel(ctx)
	done := make(chan fetched, 1)
	f.ahead, f.aheadFrom = done, from
	go func(s *slot) { done <- f.cluster.read(ctx, s, from) }(f.spare)
}

// drop ends the fetch under way, if any, and waits for it.
func (f *fetcher) drop() {
	if f.ahead == nil {
		return
	}
	f.stop()
	<-f.ahead
	f.ahead = nil
}

// read makes one fetch succeed, through changes of the partition's leader and restarts of brokers.
func (c *Cluster) read(ctx context.Context, s *slot, from int64) fetched {
	corrupt := 0
	var damaged error
	err := c.retry(ctx, "read", func(ctx context.Context) error {
		err := c.readOnce(ctx, s, from)
		var damage *CorruptError
		if errors.As(err, &damage) {
			if corrupt++; corrupt == corruptAttempts {
				damaged = err
				return nil
			}
		}
		return err
	})
	if err == nil {
		err = damaged
	}
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("topic %q partition %d at offset %d: %w", s.decoder.topic, s.decoder.partition, from, err)
	}
	return fetched{s, err}
}

func (c *Cluster) readOnce(ctx context.Context, s *slot, from int64) error {
	x := s.exchange
	x.body = func(b []byte, version int16) []byte { return appendFetch(b, version, x, from) }
	if _, err := c.roundTrip(ctx, x, c.timeout+fetchWait); err != nil {
		s.exchange = c.newFetchExchange(s.decoder.topic, s.decoder.partition) // the other may still be under way
		return err
	}
	err := s.decode(from)
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return c.outOfRange(ctx, s, from)
	}
	return err
}

// outOfRange goes on at the start of the log if retention has overtaken the reader, and says so; a position after the end
// is an error.
func (c *Cluster) outOfRange(ctx context.Context, s *slot, from int64) error {
	topic, partition := s.decoder.topic, s.decoder.partition
	there, err := c.offsets(ctx, topic, partition)
	if err != nil {
		return err
	}
	if from >= there.First {
		return &BeyondError{Topic: topic, Partition: partition, Offset: from, Range: there}
	}
	c.log.Error("kafka: records are gone before they were read: retention is shorter than the reader's lag",
		"topic", topic, "partition", partition, "from", from, "to", there.First, "lost", there.First-from)
	s.batch = Batch{Next: there.First, HighWatermark: there.Next, Lost: there.First - from}
	return nil
}

// appendFetch writes the request after its header, for the versions 4 to 11.
func appendFetch(b []byte, version int16, x *exchange, from int64) []byte {
	b = appendInt32(b, -1) // no replica
	b = appendInt32(b, int32(fetchWait/time.Millisecond))
	b = appendInt32(b, 1) // byte at least: answer as soon as there is anything
	b = appendInt32(b, fetchBytes)
	b = append(b, 1) // read committed
	if version >= 7 {
		b = appendInt32(b, 0)  // no session
		b = appendInt32(b, -1) // and none wanted
	}
	b = appendInt32(b, 1)
	b = appendString(b, x.topic)
	b = appendInt32(b, 1)
	b = appendInt32(b, x.partition)
	if version >= 9 {
		b = appendInt32(b, -1) // any leader epoch
	}
	b = appendInt64(b, from)
	if version >= 5 {
		b = appendInt64(b, -1) // replicas only
	}
	b = appendInt32(b, fetchBytes)
	if version >= 7 {
		b = appendInt32(b, 0) // nothing to forget
	}
	if version >= 11 {
		b = appendString(b, "") // no rack
	}
	return b
}

// decode reads the response into the slot's batch.
func (s *slot) decode(from int64) error {
	version := s.exchange.version
	c := cursor{buf: s.exchange.answer}
	c.int32() // throttled for
	if version >= 7 {
		if err := code(c.int16()); err != nil {
			return err
		}
		c.int32() // session
	}
	if c.count(4) != 1 || c.string() != s.exchange.topic || c.count(4) != 1 || c.int32() != s.exchange.partition {
		return fmt.Errorf("the answer to a fetch is about another partition: %w", errShort)
	}
	if err := code(c.int16()); err != nil {
		return err
	}
	c.int64() // high watermark
	stable := c.int64()
	if version >= 5 {
		c.int64() // log start
	}
	s.aborted = s.aborted[:0]
	for range c.count(16) {
		s.aborted = append(s.aborted, aborted{c.int64(), c.int64()})
	}
	if version >= 11 {
		c.int32() // preferred replica
	}
	set := c.bytes()
	if err := c.err(); err != nil {
		return err
	}
	records, next, err := s.decoder.decode(set, from, s.aborted)
	s.batch = Batch{Records: records, Next: next, HighWatermark: max(stable, next)}
	return err
}

// ReadAll reads the offsets from, inclusive, to to, exclusive, and hands them on batch by batch. The memory of a batch is used
// again after the function returns; its error ends the reading and is returned.
func (c *Cluster) ReadAll(ctx context.Context, topic string, partition int, from, to int64, each func(*Batch) error) error {
	ctx, cancel := context.WithCancel(ctx)
	f := c.newFetcher(topic, partition)
	defer f.drop()
	defer cancel()
	for from < to {
		b, err := f.fetch(ctx, from)
		if err != nil {
			return err
		}
		from = b.Next
		n := len(b.Records)
		for n > 0 && b.Records[n-1].Offset >= to {
			n--
		}
		b.Records, b.Next = b.Records[:n], min(b.Next, to)
		if n > 0 || b.Lost > 0 {
			if err := each(b); err != nil {
				return err
			}
		}
	}
	return nil
}
