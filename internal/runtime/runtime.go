// Package runtime runs pipelines: it connects sources, shards, merges and sinks through Kafka. Every hop is an upsert, so each
// stage commits its offsets only after what they cover is acknowledged downstream, and may repeat work after a crash.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/transform"
	"github.com/quarterhour/quarterhour/transform/expressions"
)

// The stages of a pipeline, which may run in one process or each in processes of its own.
const (
	StageIngest    = "ingest"
	StageIntervals = "intervals"
	StageMerge     = "merge"
	StageSinks     = "sinks"
)

// Stages lists them in the order of the data flow.
var Stages = []string{StageIngest, StageIntervals, StageMerge, StageSinks}

type stageSet map[string]bool

func (s stageSet) has(name string) bool { return len(s) == 0 || s[name] }

// Options is what Run needs besides the pipelines.
type Options struct {
	Cluster   *broker.Cluster
	Registry  *registry.Client
	Warehouse string   // address of ClickHouse
	Stages    []string // empty: all
	Drain     bool     // finish what the sources have, then return
	Log       *slog.Logger
	Progress  ingest.Progress
	Metrics   *observe.Metrics
	Snapshots SnapshotPace
	Now       func() time.Time
	// Watch is the time that sources and quotas go by; clock.Wall if nil. All else goes by the machine's.
	Watch clock.Watch
}

// Run runs the pipelines until ctx ends, or, draining, until everything the sources had has reached every sink.
func Run(ctx context.Context, files []*pipelines.Pipeline, o Options) error {
	if o.Watch == nil {
		o.Watch = clock.Wall
	}
	keyring := &quota.Keyring{Watch: o.Watch}
	defer watchCredentials(ctx, keyring, o.Metrics)()
	group, ctx := errgroup.WithContext(ctx)
	for _, file := range files {
		group.Go(func() error {
			p, err := open(ctx, file, o)
			if p != nil {
				p.keyring = keyring
			}
			if err == nil {
				err = p.run(ctx, o.Stages)
			}
			if err != nil {
				return fmt.Errorf("pipeline %q: %w", file.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// pipeline is one pipeline at work.
type pipeline struct {
	file      *pipelines.Pipeline
	topics    topics
	cluster   *broker.Cluster
	registry  *registry.Client
	producer  *broker.Producer
	write     *writers
	options   transform.Options
	stages    *expressions.Program
	warehouse string
	drain     bool
	fed       fed
	log       *slog.Logger
	progress  ingest.Progress
	metrics   *pipelineMetrics
	snapshots SnapshotPace
	ended     <-chan struct{} // closed when the run is to end
	now       func() time.Time
	watch     clock.Watch
	keyring   *quota.Keyring
	raw       rawTopic
	setAside  atomic.Int64 // dead letters of this run
	zeros     *zeroRows
	bookless  delivery.Log // of benchmarks, in place of the log of deliveries
	queues    queues
}

func open(ctx context.Context, file *pipelines.Pipeline, o Options) (*pipeline, error) {
	p := &pipeline{
		file: file, topics: topics{file.Name}, fed: newFed(), cluster: o.Cluster, registry: o.Registry, warehouse: o.Warehouse, drain: o.Drain,
		log: o.Log.With("pipeline", file.Name), progress: o.Progress, now: o.Now, metrics: newPipelineMetrics(o.Metrics, file.Name),
		snapshots: o.Snapshots.complete(), watch: o.Watch,
	}
	var err error
	if p.options, p.stages, err = stagesOf(file); err != nil {
		return nil, err
	}
	if err = p.topics.ensure(ctx, o.Cluster, file); err != nil {
		return nil, err
	}
	if p.write, err = openWriters(ctx, o.Registry); err != nil {
		return nil, err
	}
	p.producer = o.Cluster.NewProducer(broker.ProducerOptions{})
	p.queues = newQueues(p)
	p.zeros, err = newZeroRows(p)
	return p, err
}

func (p *pipeline) factTopics() []string {
	var t []string
	for _, kind := range factKinds {
		t = append(t, p.topics.fact(kind))
	}
	return t
}

func (p *pipeline) firstOffset(ctx context.Context, topic string, partition int) (int64, error) {
	ranges, err := p.cluster.Offsets(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("offsets of topic %q: %w", topic, err)
	}
	return ranges[partition].First, nil
}

// run starts the stages wanted, and ends them when ctx ends or the drain is complete.
func (p *pipeline) run(ctx context.Context, names []string) error {
	wanted := stageSet{}
	for _, n := range names {
		wanted[n] = true
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	group, ctx := errgroup.WithContext(ctx)
	p.ended = ctx.Done()
	sourcesDone := make(chan struct{})
	if wanted.has(StageIngest) {
		group.Go(func() error { defer close(sourcesDone); return p.runSources(ctx) })
	} else {
		close(sourcesDone)
	}
	if wanted.has(StageIntervals) {
		group.Go(func() error { return p.consume(ctx, p.topics.intervalsGroup(), p.factTopics(), p.runFold) })
	}
	if wanted.has(StageMerge) {
		group.Go(func() error { return p.consume(ctx, p.topics.mergeGroup(), []string{p.topics.partials()}, p.runMerge) })
	}
	if wanted.has(StageSinks) {
		for _, s := range p.file.Sinks {
			group.Go(func() error { return p.consumeSink(ctx, s) })
		}
		if !p.drain {
			group.Go(func() error { return p.zeros.run(ctx) })
		}
	}
	if p.drain {
		group.Go(func() error {
			select {
			case <-sourcesDone:
			case <-ctx.Done():
				return nil
			}
			err := p.awaitStages(ctx, wanted)
			if err == nil {
				stop(errDrained)
			}
			return err
		})
	}
	err := group.Wait()
	p.sumUp()
	if errors.Is(context.Cause(ctx), errDrained) {
		return nil
	}
	return err
}

// errDrained ends a draining run that has nothing left to do.
var errDrained = errors.New("drained")

func (p *pipeline) consume(ctx context.Context, group string, topics []string, handle func(context.Context, *broker.Assigned) error) error {
	err := p.cluster.Consume(ctx, broker.GroupOptions{Group: group, Topics: topics}, handle)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (p *pipeline) consumeSink(ctx context.Context, s pipelines.Sink) error {
	deps := sinks.Deps{
		Tenant: p.file.Tenant, Pipeline: p.file.Name, Name: s.Name, Warehouse: p.warehouse, Log: p.log.With("sink", s.Name),
		Zone: p.file.Zone, Aliases: identity.Of(p.file.Identity), Workers: (&Ledger{p}).Workers, Interval: p.file.Interval, Retention: p.file.Retention, Drain: p.drain,
		Watch: p.watch, Keyring: p.keyring,
	}
	if queue := p.file.Via(&s); queue != nil {
		return p.consumeQueue(ctx, s, queue, deps)
	}
	if s.Registration.Deliver != nil {
		return p.consumeDelivery(ctx, s, deps)
	}
	sink, err := s.Registration.Open(ctx, s.Options, deps)
	if err != nil {
		return fmt.Errorf("sink %q: %w", s.Name, err)
	}
	crash.Point(crash.SinkOpened)
	m := p.metrics.Stage("sink", s.Name)
	err = p.consume(ctx, p.topics.sinkGroup(s.Name), p.sinkTopics(s), func(ctx context.Context, a *broker.Assigned) error {
		return p.runSink(ctx, s, sink, m, a)
	})
	return errors.Join(err, sink.Close())
}
