package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/transform"
)

// deliveryLog writes what became of the items of one lane to the partition of the same number of the topic of deliveries, keyed
// by sink and row: compaction keeps the last attempt of each. A lane that starts reads what was delivered since its commit.
type deliveryLog struct {
	p         *pipeline
	sink      string
	topic     string // that is delivered
	partition int

	mu    sync.Mutex
	next  int64 // where the next delivery is written, as far as this lane knows
	read  []stretch
	saved laneCheckpoint
}

// stretch says that records from an offset on were read when the deliveries had come so far: what becomes of them stands after that.
type stretch struct{ offset, deliveries int64 }

// laneCheckpoint is what is kept with a commit.
type laneCheckpoint struct {
	// Deliveries is from where in the log of deliveries a restart must read.
	Deliveries int64 `json:"deliveries"`
}

func (l *deliveryLog) key() string {
	return fmt.Sprintf("%s%s/%s/%d", deliveryCursor, l.sink, l.topic, l.partition)
}

// deliveryCursor begins the keys of lanes among the cursors.
const deliveryCursor = "delivery/"

// open reads what was delivered since the commit, and into finals, where not nil, which rows have been final.
func (l *lane) open(ctx context.Context, finals *delivery.Finals) (map[string]int64, error) {
	l.ledger = &deliveryLog{p: l.p, sink: l.sink.Name, topic: l.assigned.Topic(), partition: l.assigned.Partition()}
	stored, err := l.stored.Reload(ctx, l.ledger.key())
	if err != nil {
		return nil, err
	}
	if len(stored) > 0 {
		if err := json.Unmarshal(stored, &l.ledger.saved); err != nil {
			return nil, fmt.Errorf("what was kept of the deliveries of sink %q: %w", l.sink.Name, err)
		}
	}
	return l.ledger.settled(ctx, finals)
}

// settled reads the log of deliveries on from the checkpoint: the revisions that were delivered, have passed, or are dead. Which rows have
// been final is read from the beginning.
func (l *deliveryLog) settled(ctx context.Context, finals *delivery.Finals) (map[string]int64, error) {
	topic := l.p.topics.deliveries()
	ranges, err := l.p.cluster.Offsets(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	done := map[string]int64{}
	reader := newReader(ctx, l.p.registry)
	var d schemas.Delivery
	at := ranges[l.partition]
	from := max(l.saved.Deliveries, at.First)
	if finals != nil {
		from = at.First
	}
	err = l.p.cluster.ReadAll(ctx, topic, l.partition, from, at.Next, func(b *broker.Batch) error {
		for _, r := range b.Records {
			e, payload, err := reader.open(append([]byte(nil), r.Value...))
			if err == nil {
				err = decode(e, payload, &d)
			}
			if err != nil {
				return fmt.Errorf("%s/%d@%d: %w", topic, l.partition, r.Offset, err)
			}
			if d.Sink != l.sink || d.Outcome == delivery.Retry && finals == nil {
				continue
			}
			if finals != nil {
				if k, err := transform.ParseKey(d.RowKey); err == nil { // of a row: a fact has none
					finals.Add(d.RowKey, k.Start)
				}
			}
			if d.Outcome != delivery.Retry && r.Offset >= l.saved.Deliveries {
				done[d.RowKey] = max(done[d.RowKey], d.Revision)
			}
		}
		return nil
	})
	l.next = at.Next
	return done, err
}

// reading notes how far the deliveries have come before records from the offset on are read.
func (l *deliveryLog) reading(offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.read); n == 0 || l.read[n-1].deliveries < l.next && l.read[n-1].offset < offset {
		l.read = append(l.read, stretch{offset, l.next})
	}
}

// checkpoint keeps, ahead of a commit, from where a restart has to read the deliveries.
func (l *deliveryLog) checkpoint(ctx context.Context, stored *cursors, safe int64) error {
	l.mu.Lock()
	for len(l.read) > 1 && l.read[1].offset <= safe {
		l.read = l.read[1:]
	}
	c := laneCheckpoint{}
	if len(l.read) > 0 {
		c.Deliveries = l.read[0].deliveries
	}
	same := c == l.saved
	l.mu.Unlock()
	if same {
		return nil
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := stored.Save(ctx, l.key(), text); err != nil {
		return err
	}
	l.saved = c
	return nil
}

// deliveryBytes is about what an attempt takes.
const deliveryBytes = 256

// page is the memory that attempts are written down in. Each request needs as much as the one before.
type page struct {
	records []broker.Record
	arena   []byte
}

var pages = sync.Pool{New: func() any { return new(page) }}

// Deliveries writes attempts down.
func (l *deliveryLog) Deliveries(ctx context.Context, attempts []schemas.Delivery) error {
	to := pages.Get().(*page)
	defer pages.Put(to)
	records := slices.Grow(to.records[:0], len(attempts))[:len(attempts)]
	now := l.p.now()
	arena := slices.Grow(to.arena[:0], len(attempts)*deliveryBytes) // where it grows, what was written stays where it is
	for i := range attempts {
		a := &attempts[i]
		from := len(arena)
		arena = appendKey(arena, a.Sink, a.RowKey)
		keyEnd := len(arena)
		arena = l.p.write.delivery.append(arena, a)
		records[i] = broker.Record{Key: arena[from:keyEnd:keyEnd], Value: arena[keyEnd:len(arena):len(arena)], Time: now}
	}
	to.records, to.arena = records, arena
	crash.Point(crash.DeliveryAnswered)
	base, err := l.p.producer.Produce(ctx, l.p.topics.deliveries(), l.partition, records)
	if err != nil {
		return fmt.Errorf("write down deliveries: %w", err)
	}
	crash.Point(crash.DeliveryRecorded)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = max(l.next, base+int64(len(records)))
	return nil
}

// DeadLetters puts items aside.
func (l *deliveryLog) DeadLetters(ctx context.Context, letters []schemas.DeadLetter) error {
	records := make([]broker.Record, len(letters))
	for i := range letters {
		records[i] = l.p.deadLetterRecord(&letters[i])
	}
	return l.p.produceDeadLetters(ctx, records)
}
