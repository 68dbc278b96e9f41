package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// queues are the sinks of a pipeline that post from a queue, and how far a draining run has come with them.
type queues struct {
	fed     chan struct{} // closed when nothing more is put into them
	emptied map[string]chan struct{}
}

func newQueues(p *pipeline) queues {
	q := queues{fed: make(chan struct{}), emptied: map[string]chan struct{}{}}
	for n := range p.file.Sinks {
		if s := &p.file.Sinks[n]; p.file.Via(s) != nil {
			q.emptied[s.Name] = make(chan struct{})
		}
	}
	return q
}

// empty says that everything is in the queues, and returns when all of them are empty.
func (q *queues) empty(ctx context.Context) error {
	close(q.fed)
	for _, done := range q.emptied {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// consumeQueue posts from a queue to one destination until ctx ends. Of the processes that run the sinks one does: the one that has the
// topic of cursors, for revisions of one record are to reach the destination one after the other.
func (p *pipeline) consumeQueue(ctx context.Context, s pipelines.Sink, queue *pipelines.Sink, deps sinks.Deps) error {
	if deps.Keyring != nil {
		stored, err := p.loadCursors(ctx)
		if err != nil {
			return err
		}
		deps.Keyring = deps.Keyring.With(stored)
	}
	destination, err := s.Registration.Deliver(ctx, s.Options, deps)
	if err != nil {
		return fmt.Errorf("sink %q: %w", s.Name, err)
	}
	p.zeros.opened(false)
	inbox, err := queue.Registration.Inbox(ctx, queue.Options, deps)
	if err != nil {
		return errors.Join(fmt.Errorf("sink %q: %w", s.Name, err), destination.Destination.Close())
	}
	c := &courier{p: p, sink: s, options: destination.Options, metrics: p.metrics.Stage("sink", s.Name), counts: p.metrics.Delivery(s.Name)}
	to := sinks.Onward{
		Delivering: destination, Log: queueLog{p}, Delivered: p.deliveredBy(s.Name),
		Show: func(s delivery.State) { c.counts.State(s.Pending, s.Sending, s.Allowed) },
		Deps: delivery.Deps{
			Tenant: p.file.Tenant, Pipeline: p.file.Name, Name: s.Name, Drain: p.drain, Watch: deps.Watch, Log: deps.Log,
			Attempted: c.attempted, Asked: c.counts.Request, Paused: c.counts.Pause,
		},
	}
	if p.drain {
		to.Fed = p.queues.fed
	}
	var once sync.Once
	err = p.consume(ctx, p.topics.sinkGroup(s.Name), []string{p.topics.cursors()}, func(ctx context.Context, _ *broker.Assigned) error {
		err := c.post(ctx, inbox, to)
		if err == nil && ctx.Err() == nil {
			once.Do(func() { close(p.queues.emptied[s.Name]) })
		}
		return err
	})
	return errors.Join(err, destination.Destination.Close())
}

// post runs an inbox, and again where it cannot go on.
func (c *courier) post(ctx context.Context, inbox sinks.Inbox, to sinks.Onward) error {
	wait := time.Second
	for {
		err := inbox.Run(ctx, to)
		switch {
		case err == nil || ctx.Err() != nil:
			return nil
		case c.p.drain:
			return fmt.Errorf("sink %q: %w", c.sink.Name, err)
		}
		c.p.log.Error("the queue could not be worked off, beginning again", "sink", c.sink.Name, "err", err, "in", wait)
		c.metrics.Error("delivery")
		pause(ctx, wait)
		wait = min(2*wait, time.Minute)
	}
}

// queueLog writes attempts of sinks that post from queues to the log of deliveries, each record's to one partition.
type queueLog struct{ p *pipeline }

// Deliveries implements delivery.Log.
func (l queueLog) Deliveries(ctx context.Context, attempts []schemas.Delivery) error {
	records := map[int][]broker.Record{}
	now := l.p.now()
	for i := range attempts {
		a := &attempts[i]
		n := broker.Partition([]byte(a.RowKey), l.p.file.Partitions)
		records[n] = append(records[n], broker.Record{Key: appendKey(nil, a.Sink, a.RowKey), Value: l.p.write.delivery.append(nil, a), Time: now})
	}
	for n, list := range records {
		if _, err := l.p.producer.Produce(ctx, l.p.topics.deliveries(), n, list); err != nil {
			return fmt.Errorf("write down deliveries: %w", err)
		}
	}
	return nil
}

// DeadLetters implements delivery.Log: what the queue's redrive policy puts aside is listed beside what other sinks could not deliver.
func (l queueLog) DeadLetters(ctx context.Context, letters []schemas.DeadLetter) error {
	records := make([]broker.Record, len(letters))
	for i := range letters {
		records[i] = l.p.deadLetterRecord(&letters[i])
	}
	return l.p.produceDeadLetters(ctx, records)
}

// leadsTo says whether what a person sends again for the sink called name goes to sink s: its own, and what is posted from its queue.
func (p *pipeline) leadsTo(s *pipelines.Sink, name string) bool {
	if s.Name == name {
		return true
	}
	for n := range p.file.Sinks {
		if other := &p.file.Sinks[n]; other.Name == name {
			queue := p.file.Via(other)
			return queue != nil && queue.Name == s.Name
		}
	}
	return false
}

// deliveredBy reads the log of deliveries for one sink. What was tried and not delivered makes older revisions obsolete.
func (p *pipeline) deliveredBy(sink string) func(context.Context, time.Time, func(string, int64)) error {
	return func(ctx context.Context, since time.Time, each func(key string, revision int64)) error {
		ranges, err := p.cluster.Offsets(ctx, p.topics.deliveries())
		if err != nil {
			return err
		}
		reader := newReader(ctx, p.registry)
		for n, at := range ranges {
			err := p.cluster.ReadAll(ctx, p.topics.deliveries(), n, at.First, at.Next, func(b *broker.Batch) error {
				for i := range b.Records {
					var d schemas.Delivery
					e, payload, err := reader.open(b.Records[i].Value)
					if err == nil {
						err = decode(e, payload, &d)
					}
					if err != nil {
						return fmt.Errorf("%s/%d@%d: %w", p.topics.deliveries(), n, b.Records[i].Offset, err)
					}
					if d.Sink != sink || d.AttemptedAt < since.UnixMilli() {
						continue
					}
					if d.Outcome != delivery.Delivered && d.Outcome != delivery.Passed {
						d.Revision--
					}
					each(d.RowKey, d.Revision)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}
