package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// lanePoll is how often a lane that has no room looks whether it has some again.
const lanePoll = 20 * time.Millisecond

// showPace is how often a lane tells the metrics how it stands, whether anything is settled or not: an outage is when they are looked at.
const showPace = time.Second

// courier runs one sink that delivers by requests.
type courier struct {
	p       *pipeline
	sink    pipelines.Sink
	engine  *delivery.Engine
	options delivery.Options
	stored  *cursors
	metrics *observe.Stage
	counts  *observe.Delivery
	zeros   bool // rows of zeros are for it
}

// log is where lanes write down what they did: the log of deliveries, but for a benchmark that asks what it costs.
func (c *courier) log(l *deliveryLog) delivery.Log {
	if c.p.bookless != nil {
		return c.p.bookless
	}
	return l
}

// consumeDelivery delivers rows and facts to one destination until ctx ends.
func (p *pipeline) consumeDelivery(ctx context.Context, s pipelines.Sink, deps sinks.Deps) error {
	stored, err := p.loadCursors(ctx)
	if err != nil {
		return err
	}
	if deps.Keyring != nil {
		deps.Keyring = deps.Keyring.With(stored)
	}
	destination, err := s.Registration.Deliver(ctx, s.Options, deps)
	if err != nil {
		return fmt.Errorf("sink %q: %w", s.Name, err)
	}
	c := &courier{p: p, sink: s, stored: stored, options: destination.Options, metrics: p.metrics.Stage("sink", s.Name), counts: p.metrics.Delivery(s.Name)}
	c.zeros = wantsZeros(&destination)
	p.zeros.opened(c.zeros)
	c.engine = delivery.New(destination.Destination, destination.Plan, destination.Options, delivery.Deps{
		Tenant: p.file.Tenant, Pipeline: p.file.Name, Name: s.Name, Drain: p.drain, Watch: deps.Watch, Log: deps.Log,
		Attempted: c.attempted, Asked: c.counts.Request, Paused: c.counts.Pause,
	})
	err = p.consume(ctx, p.topics.sinkGroup(s.Name), p.sinkTopics(s), c.run)
	return errors.Join(err, c.engine.Close())
}

// deliveredTopics are the topics of the kinds of record that a sink delivers.
func (p *pipeline) deliveredTopics(s pipelines.Sink) []string {
	var topics []string
	for _, kind := range s.Registration.Kinds(s.Options) {
		topic := p.topics.rows()
		if !strings.HasSuffix(kind, "_interval") {
			topic = p.topics.fact(kind)
		}
		if !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	return topics
}

// attempted counts records.
func (c *courier) attempted(outcome string, items int) {
	c.counts.Records(outcome, items)
	if outcome == delivery.Delivered {
		c.metrics.Written(items, 0)
		return
	}
	c.metrics.Error(outcome)
}

// run delivers one partition. A lane that cannot write its log is begun again from what was committed.
func (c *courier) run(ctx context.Context, a *broker.Assigned) error {
	defer c.metrics.Lost(a.Topic(), a.Partition())
	wait := time.Second
	for ctx.Err() == nil {
		err := c.runLane(ctx, a)
		switch {
		case err == nil || ctx.Err() != nil:
			return nil
		case c.p.drain:
			return fmt.Errorf("sink %q: %w", c.sink.Name, err)
		}
		c.p.log.Error("delivery failed, beginning again", "sink", c.sink.Name, "topic", a.Topic(), "partition", a.Partition(), "err", err, "in", wait)
		c.metrics.Error("delivery")
		pause(ctx, wait)
		wait = min(2*wait, time.Minute)
	}
	return nil
}

// lane is one partition on its way to a destination.
type lane struct {
	*courier
	*delivery.Lane
	assigned *broker.Assigned
	items    *items
	ledger   *deliveryLog

	next, end   int64         // the end of the partition when the lane began
	batch       *broker.Batch // what was fetched last
	taken       int           // of its records
	committedAt time.Time
	shownAt     time.Time
	behind      behind
}

func (c *courier) runLane(ctx context.Context, a *broker.Assigned) error {
	ctx, cancel := context.WithCancel(ctx)
	l := &lane{courier: c, assigned: a, items: &items{newReader(ctx, c.p.registry), a.Topic() == c.p.topics.rows()}, next: a.Committed(), committedAt: c.p.now()}
	ranges, err := c.p.cluster.Offsets(ctx, a.Topic())
	if err != nil {
		cancel()
		return err
	}
	l.next, l.end = max(l.next, ranges[a.Partition()].First), ranges[a.Partition()].Next
	var finals *delivery.Finals
	if c.options.When == string(delivery.Corrected) {
		finals = delivery.NewFinals(c.p.file.Retention)
	}
	delivered, err := l.open(ctx, finals)
	if err != nil {
		cancel()
		return err
	}
	l.Lane = c.engine.Lane(ctx, c.log(l.ledger), l.next, delivered)
	l.Remember(finals)
	defer l.Leave()
	defer cancel()
	for ctx.Err() == nil {
		if err := l.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// step reads what there is, while there is room for it, sends what is due, and commits what is settled.
func (l *lane) step(ctx context.Context) error {
	room := l.Room()
	if room {
		if err := l.read(ctx); err != nil {
			return err
		}
	} else {
		pause(ctx, lanePoll)
	}
	l.Turn()
	safe, err := l.Safe()
	if err != nil {
		return err
	}
	now := l.p.now()
	if now.Sub(l.shownAt) >= showPace {
		l.shownAt = now
		l.show()
		if err := l.waits(ctx, room); err != nil {
			return err
		}
	}
	if safe <= l.assigned.Committed() || now.Sub(l.committedAt) < sinkPace && !l.p.fed.fully(StageSinks) {
		return nil
	}
	l.committedAt = now
	if err := l.ledger.checkpoint(ctx, l.stored, safe); err != nil {
		return err
	}
	crash.Point(crash.DeliveryCheckpointed)
	if err := l.assigned.Commit(ctx, safe); err != nil {
		return err
	}
	crash.Point(crash.DeliveryCommitted)
	return nil
}

// roomEvery is after how many records it is looked whether there is room for more.
const roomEvery = 64

// read takes what was fetched, as far as there is room: one fetch may bring more than a lane may hold.
func (l *lane) read(ctx context.Context) error {
	if l.batch == nil || l.taken == len(l.batch.Records) {
		l.ledger.reading(l.next)
		b, err := l.assigned.Fetch(ctx, l.next)
		if err != nil {
			return err
		}
		l.batch, l.taken = b, 0
	}
	b, from := l.batch, l.taken
	for ; l.taken < len(b.Records) && ((l.taken-from)%roomEvery != 0 || l.Room()); l.taken++ {
		r := &b.Records[l.taken]
		if r.Offset < l.next {
			continue
		}
		item, ok, err := l.item(ctx, r)
		if err != nil {
			return fmt.Errorf("%s/%d@%d: %w", l.assigned.Topic(), l.assigned.Partition(), r.Offset, err)
		}
		if ok {
			l.Take(item, r.Offset)
		}
		l.next = r.Offset + 1
	}
	if l.taken == len(b.Records) {
		l.next = max(l.next, b.Next)
	}
	l.Passed(l.next)
	if l.next >= l.end {
		l.Caught()
	}
	l.metrics.Batch(l.taken-from, 0, 0)
	l.metrics.Lag(l.assigned.Topic(), l.assigned.Partition(), b.HighWatermark-l.next+int64(l.Pending()))
	return nil
}

// waits tells the metrics how much waits in the log for a lane that has no room: reading says it of one that has.
func (l *lane) waits(ctx context.Context, room bool) error {
	if room {
		return nil
	}
	ranges, err := l.p.cluster.Offsets(ctx, l.assigned.Topic())
	if err == nil {
		l.metrics.Lag(l.assigned.Topic(), l.assigned.Partition(), ranges[l.assigned.Partition()].Next-l.next+int64(l.Pending()))
	}
	return err
}

// show tells the metrics what the engine is doing.
func (c *courier) show() {
	s := c.engine.State()
	c.counts.State(s.Pending, s.Sending, s.Allowed)
}
