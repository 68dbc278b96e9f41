package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/quarterhour/quarterhour/internal/crash"
)

// GroupOptions say what a process takes part in.
type GroupOptions struct {
	Group  string
	Topics []string
	// Session is after how long without a sign of life a process counts as dead and its partitions go to others; default 6 s,
	// which is the least that Kafka allows unless told otherwise. A restart after a kill waits for this once. A handler has as long
	// to end when its partition goes to another process: kafka-go gives no sign of life meanwhile.
	Session time.Duration
	// Heartbeat is how often it gives a sign of life, and thereby how soon it hears of members that come and go; default 500 ms.
	Heartbeat time.Duration
}

const (
	rejoinBackoff   = 250 * time.Millisecond // after an error
	leaveGrace      = 2 * time.Second        // beyond a session, for a join under way when we are told to end
	watchPartitions = 5 * time.Second
)

func (o *GroupOptions) complete() error {
	if o.Group == "" || len(o.Topics) == 0 {
		return errors.New("a consumer group needs a name and at least one topic")
	}
	if o.Session <= 0 {
		o.Session = 6 * time.Second
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = min(500*time.Millisecond, o.Session/3)
	}
	return nil
}

// Consume takes part in a group until ctx ends, and runs the handler in a goroutine of its own for every partition that is
// assigned, whenever it is. The handler's context ends when the partition is to be given up; the handler must then return
// soon, for the whole group waits, and may still commit before it does. A handler that returns nil earlier leaves its
// partition alone until it is assigned anew. A handler's error (other than one that follows from its context's end) ends
// everything and is returned, unless it is ErrLost; so is an error of the group that does not pass by itself. At the end of ctx the process leaves the
// group, so that others, or a restart, need not wait; Consume then returns ctx's error.
func (c *Cluster) Consume(ctx context.Context, o GroupOptions, handler func(ctx context.Context, a *Assigned) error) error {
	if err := o.complete(); err != nil {
		return err
	}
	if err := c.topicsAreThere(ctx, o); err != nil {
		return err
	}
	dials := c.newDials()
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: o.Group, Brokers: c.brokers, Topics: o.Topics,
		Dialer:            &kafka.Dialer{ClientID: c.client, DialFunc: dials.dial, TLS: c.config.TLS, SASLMechanism: c.mechanism, Timeout: 5 * time.Second},
		HeartbeatInterval: o.Heartbeat, SessionTimeout: o.Session, RebalanceTimeout: o.Session,
		JoinGroupBackoff: rejoinBackoff, StartOffset: kafka.FirstOffset,
		WatchPartitionChanges: true, PartitionWatchInterval: watchPartitions,
	})
	if err != nil {
		return fmt.Errorf("consumer group %q: %w", o.Group, err)
	}
	run := &consuming{cluster: c, group: group, options: o, handler: handler, failed: make(chan struct{})}
	err = run.loop(ctx)
	dials.closeAfter(o.Session+leaveGrace, func() { _ = group.Close() }) // always nil
	run.running.Wait()
	if run.err != nil {
		return run.err
	}
	return err
}

// topicsAreThere waits for the topics: kafka-go joins again and again, without a pause, for one that is not there.
func (c *Cluster) topicsAreThere(ctx context.Context, o GroupOptions) error {
	for _, topic := range o.Topics {
		if _, err := c.partitions(ctx, topic); ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			return fmt.Errorf("consumer group %q: %w", o.Group, err)
		}
	}
	return nil
}

// consuming is one membership, over all its generations.
type consuming struct {
	cluster *Cluster
	group   *kafka.ConsumerGroup
	options GroupOptions
	handler func(context.Context, *Assigned) error
	running sync.WaitGroup

	once   sync.Once
	failed chan struct{} // closed at a handler's first error
	err    error         // that error
}

// loop starts the handlers of one generation after the other. kafka-go gives out the next one only when all handlers of the one
// before have ended.
func (r *consuming) loop(ctx context.Context) error {
	next, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-r.failed:
			cancel()
		case <-next.Done():
		}
	}()
	trouble := 0
	for {
		generation, err := r.group.Next(next)
		switch {
		case next.Err() != nil:
			return ctx.Err()
		case err == nil:
			trouble = 0
			if err := r.cluster.topicsAreThere(next, r.options); err != nil {
				return err
			}
			crash.Point(crash.PartitionsAssigned)
			r.start(ctx, generation)
			continue
		case !rejoins(err):
			return fmt.Errorf("consumer group %q: %w", r.options.Group, err)
		}
		if trouble++; time.Duration(trouble)*rejoinBackoff > r.cluster.patience {
			return fmt.Errorf("consumer group %q: given up after %d attempts to join: %w", r.options.Group, trouble, err)
		}
		r.cluster.log.Log(ctx, troubleLevel(trouble), "kafka: joining the group will be tried again", "group", r.options.Group, "error", err)
	}
}

// rejoins says whether an error of the group goes away by joining it anew.
func rejoins(err error) bool {
	var code kafka.Error
	if errors.As(err, &code) {
		switch code {
		case kafka.IllegalGeneration, kafka.UnknownMemberId, kafka.RebalanceInProgress, kafka.MemberIDRequired:
			return true
		}
	}
	return retryable(err)
}

func (r *consuming) start(ctx context.Context, g *kafka.Generation) {
	n := 0
	for topic, partitions := range g.Assignments {
		for _, p := range partitions {
			n++
			a := &Assigned{topic: topic, partition: p.ID, generation: g, fetcher: r.cluster.newFetcher(topic, p.ID)}
			a.committed.Store(max(p.Offset, -1)) // kafka-go gives a wish (-2) where nothing is committed
			r.running.Add(1)
			g.Start(func(over context.Context) {
				defer r.running.Done()
				r.run(ctx, over, a)
			})
		}
	}
	r.cluster.log.Info("kafka: partitions are assigned", "group", r.options.Group, "generation", g.ID, "partitions", n)
}

// run is one handler's life. It returns only when the generation is over: a function that ends takes the generation with it.
func (r *consuming) run(ctx, over context.Context, a *Assigned) {
	mine, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-over.Done():
			cancel()
		case <-mine.Done():
		}
	}()
	err := r.handler(mine, a)
	a.over.Store(true)
	ending := mine.Err() != nil
	cancel()
	a.fetcher.drop()
	switch {
	case err == nil || ending:
	case errors.Is(err, ErrLost):
		r.cluster.log.Warn("kafka: joining the group anew", "group", r.options.Group, "error", err)
		return
	default:
		r.once.Do(func() {
			r.err = err
			close(r.failed)
		})
	}
	<-over.Done()
}
