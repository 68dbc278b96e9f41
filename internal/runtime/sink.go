package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

// delivering is one partition of rows or facts on its way into one sink.
type delivering struct {
	p        *pipeline
	sink     sinks.Sink
	metrics  *observe.Stage
	assigned *broker.Assigned
	reader   *reader

	batch      sinks.Batch
	memory     []byte // what the batch's strings are in
	from, next int64  // the batch is what lies between
	wrote      time.Time
}

// sinkTopics are what a sink reads.
func (p *pipeline) sinkTopics(s pipelines.Sink) []string {
	if p.file.Via(&s) != nil {
		return nil // its records come from the queue
	}
	if s.Registration.Deliver != nil {
		return p.deliveredTopics(s)
	}
	t := []string{p.topics.rows()}
	if s.Registration.Facts {
		for _, kind := range factKinds {
			t = append(t, p.topics.fact(kind))
		}
		t = append(t, p.topics.deadLetters(), p.topics.fact(workerTopic), p.topics.deliveries())
	}
	return t
}

func (p *pipeline) runSink(ctx context.Context, s pipelines.Sink, sink sinks.Sink, m *observe.Stage, a *broker.Assigned) error {
	d := &delivering{p: p, sink: sink, metrics: m, assigned: a, reader: newReader(ctx, p.registry), from: a.Committed(), wrote: p.now()}
	if d.from < 0 {
		var err error
		if d.from, err = p.firstOffset(ctx, a.Topic(), a.Partition()); err != nil {
			return err
		}
	}
	defer m.Lost(a.Topic(), a.Partition())
	d.next = d.from
	wait := time.Second
	for ctx.Err() == nil {
		err := d.step(ctx)
		switch {
		case err == nil:
			wait = time.Second
			continue // the next batch
		case ctx.Err() != nil:
			return nil
		case p.drain:
			return fmt.Errorf("sink %q: %w", s.Name, err)
		}
		p.log.Error("sink failed, trying again", "sink", s.Name, "topic", a.Topic(), "partition", a.Partition(), "err", err, "in", wait)
		m.Error("write")
		d.reset(d.from)
		pause(ctx, wait)
		wait = min(2*wait, time.Minute)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// step gathers one fetch, and writes what was gathered once it is large or has waited long enough.
func (d *delivering) step(ctx context.Context) error {
	b, err := d.assigned.Fetch(ctx, d.next)
	if err != nil {
		return err
	}
	for i := range b.Records {
		if r := &b.Records[i]; r.Offset >= d.next {
			if err := d.add(r); err != nil {
				return fmt.Errorf("%s/%d@%d: %w", d.assigned.Topic(), d.assigned.Partition(), r.Offset, err)
			}
		}
	}
	d.next = max(d.next, b.Next)
	d.metrics.Lag(d.assigned.Topic(), d.assigned.Partition(), b.HighWatermark-d.from)
	waited := d.p.now().Sub(d.wrote)
	caughtUp := d.next >= b.HighWatermark && (waited >= sinkPace || d.p.fed.fully(StageSinks))
	if d.next > d.from && (caughtUp || d.batch.Len() >= sinkLarge || waited >= 2*sinkPace) {
		return d.write(ctx)
	}
	return nil
}

// write hands the batch over, and commits once the destination has acknowledged it.
func (d *delivering) write(ctx context.Context) error {
	started := d.p.now()
	if d.batch.Len() > 0 {
		crash.Point(crash.SinkGathered)
		d.batch.Token = fmt.Sprintf("%s/%d/%d-%d", d.assigned.Topic(), d.assigned.Partition(), d.from, d.next)
		if err := d.sink.Write(ctx, &d.batch); err != nil {
			return err
		}
		crash.Point(crash.SinkWritten)
	}
	if err := d.assigned.Commit(ctx, d.next); err != nil {
		return err
	}
	if d.batch.Len() > 0 {
		crash.Point(crash.SinkCommitted)
	}
	d.wrote = d.p.now()
	d.metrics.Batch(d.batch.Len(), len(d.memory), d.wrote.Sub(started))
	d.metrics.Written(d.batch.Len(), len(d.memory))
	d.reset(d.next)
	return nil
}

// reset forgets the batch; the next one begins at the offset.
func (d *delivering) reset(offset int64) {
	d.batch.Reset()
	d.memory = d.memory[:0]
	d.from, d.next = offset, offset
}

// add decodes one message into the batch. A fact that cannot be decoded is the transform's to dead-letter; marks and other
// records that no sink stores are passed over.
func (d *delivering) add(r *broker.Record) error {
	if d.assigned.Topic() == d.p.topics.rows() && !original(r.Key) {
		return nil // rows of zeros say nothing to who knows how far rows are complete
	}
	at := len(d.memory)
	d.memory = append(d.memory, r.Value...) // what a fetch brought is gone with the next; growing leaves old strings where they are
	e, payload, err := d.reader.open(d.memory[at:])
	if err != nil {
		if d.assigned.Topic() == d.p.topics.rows() || errors.Is(err, errAway) {
			return err
		}
		return nil
	}
	b := &d.batch
	switch e.kind {
	case queueKind:
		b.QueueIntervals, err = grow(b.QueueIntervals, e, payload)
	case agentQueueKind:
		b.AgentQueueIntervals, err = grow(b.AgentQueueIntervals, e, payload)
	case agentKind:
		b.AgentIntervals, err = grow(b.AgentIntervals, e, payload)
	case completenessKind:
		if d.assigned.Partition() == 0 { // every merge says the same
			b.Completeness, err = grow(b.Completeness, e, payload)
		}
	case contactKind:
		b.Contacts, err = growLogged(b.Contacts, d.assigned, r, e, payload)
	case agentStateKind:
		b.AgentStates, err = growLogged(b.AgentStates, d.assigned, r, e, payload)
	case deadLetterKind:
		b.DeadLetters, err = growLogged(b.DeadLetters, d.assigned, r, e, payload)
	case deliveryKind:
		b.Deliveries, err = grow(b.Deliveries, e, payload)
	case workerKind:
		b.Workers, err = growLogged(b.Workers, d.assigned, r, e, payload)
	}
	return err
}

// extend makes room for one more element and keeps what the place held before, whose slices are used again.
func extend[T any](list []T) []T {
	if len(list) < cap(list) {
		return list[:len(list)+1]
	}
	var zero T
	return append(list, zero)
}

func grow[T schemas.Record](list []T, e entry, payload []byte) ([]T, error) {
	list = extend(list)
	if err := decode(e, payload, &list[len(list)-1]); err != nil {
		return list[:len(list)-1], err
	}
	return list, nil
}

func growLogged[T schemas.Record](list []sinks.Logged[T], a *broker.Assigned, r *broker.Record, e entry, payload []byte) ([]sinks.Logged[T], error) {
	list = extend(list)
	l := &list[len(list)-1]
	l.Topic, l.Partition, l.Offset, l.ArrivedAt = a.Topic(), a.Partition(), r.Offset, r.Time.UnixMilli()
	if err := decode(e, payload, &l.Record); err != nil {
		return list[:len(list)-1], nil // the transform dead-letters it
	}
	return list, nil
}
