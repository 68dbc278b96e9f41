package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
)

// rawPart is the size of the parts in which a compressed answer is kept: with its headers it fits a message of Kafka's default size.
const rawPart = 900 << 10

// rawTopic says whether the topic of raw answers is there.
type rawTopic struct {
	mu    sync.Mutex
	there bool
}

// keepRaw keeps answers of vendors, compressed, in a topic of their own, for as long as the first who keeps any says. Each part is a
// record; the headers say what it is: part is 1, 2, and 3/3 of the last, answer what the parts of one answer have in common.
func (p *pipeline) keepRaw(source string) func(context.Context, ingest.Raw) error {
	return func(ctx context.Context, r ingest.Raw) error {
		if r.Keep <= 0 {
			return nil
		}
		if err := p.ensureRaw(ctx, r.Keep); err != nil {
			return err
		}
		records, err := rawRecords(source, r, p.now())
		if err != nil {
			return err
		}
		if _, err := p.producer.Produce(ctx, p.topics.raw(), 0, records); err != nil {
			return err
		}
		crash.Point(crash.RawKept)
		return nil
	}
}

func (p *pipeline) ensureRaw(ctx context.Context, keep time.Duration) error {
	p.raw.mu.Lock()
	defer p.raw.mu.Unlock()
	if p.raw.there {
		return nil
	}
	if _, err := p.cluster.EnsureTopic(ctx, broker.Topic{Name: p.topics.raw(), Partitions: 1, Retention: keep}); err != nil {
		return fmt.Errorf("topic %q: %w", p.topics.raw(), err)
	}
	p.raw.there = true
	return nil
}

// packers are writers that are not in use: each takes a megabyte, whatever it packs.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// rawRecords are the records of an answer, or of a part of one. Parts that are joined in their order are one gzip file.
func rawRecords(source string, r ingest.Raw, now time.Time) ([]broker.Record, error) {
	var packed bytes.Buffer
	w, ok := packers.Get().(*gzip.Writer)
	if !ok {
		return nil, errors.New("what packs answers is something else")
	}
	defer packers.Put(w)
	w.Reset(&packed)
	if _, err := w.Write(r.Payload); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	parts := max(1, (packed.Len()+rawPart-1)/rawPart)
	records := make([]broker.Record, 0, parts)
	for n := range parts {
		part := fmt.Sprintf("%d/%d", n+1, parts)
		if r.Part > 0 { // packed, it fits a record
			if part = strconv.Itoa(r.Part); r.Last {
				part += "/" + part
			}
		}
		records = append(records, broker.Record{
			Key: []byte(source + "/" + r.Stream), Value: packed.Next(rawPart), Time: now,
			Headers: []broker.Header{
				{Key: "source", Value: []byte(source)}, {Key: "stream", Value: []byte(r.Stream)},
				{Key: "from", Value: rawInstant(r.From)}, {Key: "to", Value: rawInstant(r.To)},
				{Key: "content_type", Value: []byte(r.ContentType)}, {Key: "encoding", Value: []byte("gzip")},
				{Key: "part", Value: []byte(part)}, {Key: "answer", Value: []byte(r.Answer)},
			},
		})
	}
	return records, nil
}

func rawInstant(t time.Time) []byte {
	if t.IsZero() {
		return nil
	}
	return []byte(t.UTC().Format(time.RFC3339Nano))
}
