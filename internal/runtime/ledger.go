package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/transform"
)

// Ledger is what one pipeline keeps in Kafka, to be read again as a whole: beside a run, or without one. It joins no consumer
// group. Its methods may be called from any goroutine.
type Ledger struct{ p *pipeline }

// LedgerOptions is what OpenLedger needs besides the pipeline.
type LedgerOptions struct {
	Cluster  *broker.Cluster
	Registry *registry.Client
	Log      *slog.Logger
	Now      func() time.Time
}

// ShardLog is the log of one shard.
type ShardLog struct {
	Name      string // as "contact/3"
	Fact      string
	Topic     string
	Partition int
	First     int64 // the oldest offset that is still there
	Next      int64 // the end of the log
	Committed int64 // what the running shard has folded and handed on; First where it has not begun
}

// OpenLedger opens what the pipeline keeps. A pipeline that never ran is an error: nothing is created.
func OpenLedger(ctx context.Context, file *pipelines.Pipeline, o LedgerOptions) (*Ledger, error) {
	p := &pipeline{
		file: file, topics: topics{file.Name}, cluster: o.Cluster, registry: o.Registry, log: o.Log, now: o.Now,
		metrics: newPipelineMetrics(observe.NewMetrics(prometheus.NewRegistry()), file.Name),
	}
	there, err := o.Cluster.Topics(ctx)
	if err != nil {
		return nil, err
	}
	for _, topic := range append(p.factTopics(), p.topics.partials(), p.topics.rows(), p.topics.deadLetters()) {
		if !slices.Contains(there, topic) {
			return nil, fmt.Errorf("topic %q is not there: pipeline %q has not run on this Kafka", topic, file.Name)
		}
	}
	if p.options, p.stages, err = stagesOf(file); err != nil {
		return nil, err
	}
	if p.write, err = openWriters(ctx, o.Registry); err != nil {
		return nil, err
	}
	p.producer = o.Cluster.NewProducer(broker.ProducerOptions{})
	return &Ledger{p}, nil
}

// Pipeline is the file that the ledger belongs to.
func (l *Ledger) Pipeline() *pipelines.Pipeline { return l.p.file }

// Options are the settings of the pipeline's shards and merges.
func (l *Ledger) Options() transform.Options { return l.p.options }

// Feeds are the promises that the pipeline's rows wait for.
func (l *Ledger) Feeds() []transform.Feed { return l.p.feeds() }

// Shards says how long the log of every shard is, and how far the running shards have come. What they committed is read
// before the ends, so that it never lies beyond them.
func (l *Ledger) Shards(ctx context.Context) ([]ShardLog, error) {
	var all []ShardLog
	for _, fact := range factKinds {
		topic := l.p.topics.fact(fact)
		committed, err := l.p.cluster.Committed(ctx, l.p.topics.intervalsGroup(), topic)
		if err != nil {
			return nil, err
		}
		ranges, err := l.p.cluster.Offsets(ctx, topic)
		if err != nil {
			return nil, err
		}
		for n, r := range ranges {
			all = append(all, ShardLog{
				Name: fact + "/" + strconv.Itoa(n), Fact: fact, Topic: topic, Partition: n, First: r.First, Next: r.Next, Committed: max(committed[n], r.First),
			})
		}
	}
	return all, nil
}

// Lag is how many messages of its input a consumer group has still to take.
type Lag struct {
	Stage                  string // as "merge" or "sink warehouse"
	Topic                  string
	First, Next, Committed []int64 // by partition
}

// Behind is the number of messages that are still to be taken.
func (l Lag) Behind() (n int64) {
	for i := range l.Next {
		n += max(0, l.Next[i]-l.Committed[i])
	}
	return n
}

// Lags says how far every stage behind the sources has come, in the order of the data flow.
func (l *Ledger) Lags(ctx context.Context) ([]Lag, error) {
	type input struct{ stage, group, topic string }
	var inputs []input
	for _, t := range l.p.factTopics() {
		inputs = append(inputs, input{StageIntervals, l.p.topics.intervalsGroup(), t})
	}
	inputs = append(inputs, input{StageMerge, l.p.topics.mergeGroup(), l.p.topics.partials()})
	for _, s := range l.p.file.Sinks {
		for _, t := range l.p.sinkTopics(s) {
			inputs = append(inputs, input{"sink " + s.Name, l.p.topics.sinkGroup(s.Name), t})
		}
	}
	var lags []Lag
	for _, in := range inputs {
		lag := Lag{Stage: in.stage, Topic: in.topic}
		committed, err := l.p.cluster.Committed(ctx, in.group, in.topic)
		if err != nil {
			return nil, err
		}
		ranges, err := l.p.cluster.Offsets(ctx, in.topic)
		if err != nil {
			return nil, err
		}
		for n, r := range ranges {
			lag.First, lag.Next = append(lag.First, r.First), append(lag.Next, r.Next)
			lag.Committed = append(lag.Committed, max(committed[n], r.First))
		}
		lags = append(lags, lag)
	}
	return lags, nil
}

// RowsTopic is the topic of the pipeline's rows.
func (l *Ledger) RowsTopic() string { return l.p.topics.rows() }
