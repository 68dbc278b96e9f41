package runtime

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/embedded/registry/registrytest"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/transform"
)

// world is Kafka and a registry: the embedded ones, or the cluster that the environment names.
type world struct {
	cluster  *broker.Cluster
	registry *registry.Client
	metrics  *prometheus.Registry
}

func newWorld(t testing.TB) *world {
	t.Helper()
	cluster, err := broker.Open(broker.Config{Brokers: brokertest.Start(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client := registrytest.Start(t)
	return &world{cluster: cluster, registry: client, metrics: prometheus.NewRegistry()}
}

// run drains the pipeline, or runs it until ctx ends.
func (w *world) run(ctx context.Context, p *pipelines.Pipeline, drain bool) error {
	return Run(ctx, []*pipelines.Pipeline{p}, w.options(drain))
}

func (w *world) options(drain bool, stages ...string) Options {
	return Options{
		Cluster: w.cluster, Registry: w.registry, Drain: drain, Log: slog.New(slog.DiscardHandler), Progress: noProgress{}, Stages: stages,
		Metrics: observe.NewMetrics(prometheus.NewRegistry()), Now: clock.Now,
	}
}

type noProgress struct{}

func (noProgress) Report(string, int64, int64, string) {}

// pipelineOf reads lists of facts and keeps tables.
func pipelineOf(t testing.TB, facts *factSource, tables *tableSink) *pipelines.Pipeline {
	t.Helper()
	return &pipelines.Pipeline{
		Settings: pipelines.Settings{
			Name: brokertest.Name(t), Tenant: "acme", Zone: time.UTC, Interval: 15 * time.Minute, Retention: 840 * time.Hour,
			MaxSession: 16 * time.Hour, ClockSkew: 5 * time.Second, Partitions: 3,
		},
		Sources: []pipelines.Source{{Name: "list", Registration: ingest.Registration{
			Facts: func(any) []string { return []string{"contact", "agent_state"} },
			Open:  func(any, ingest.Deps) (ingest.Source, error) { return facts, nil },
		}}},
		Stages: []pipelines.Stage{{Options: &transform.StageOptions{
			Profile: transform.ProfileACD, Late: transform.LateRevise, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second,
		}}},
		Sinks: []pipelines.Sink{{Name: "tables", Registration: sinks.Registration{
			Open: func(context.Context, any, sinks.Deps) (sinks.Sink, error) { return tables, nil },
		}}},
	}
}

// factSource hands over facts in batches, each with a commit, and then a mark.
type factSource struct {
	contacts []schemas.Contact
	states   []schemas.AgentState
	batch    int
	mark     int64
}

func (s *factSource) Run(ctx context.Context, cursor []byte, out ingest.Out) error {
	if string(cursor) == "done" {
		return nil
	}
	for i := range s.contacts {
		c := s.contacts[i]
		if err := out.Contact(ctx, &c); err != nil {
			return err
		}
		if i%s.batch == 0 {
			if err := out.Commit(ctx, []byte("some")); err != nil {
				return err
			}
		}
	}
	for i := range s.states {
		a := s.states[i]
		if err := out.AgentState(ctx, &a); err != nil {
			return err
		}
	}
	if err := out.Commit(ctx, nil); err != nil {
		return err
	}
	for _, fact := range factKinds {
		if err := out.Mark(ctx, fact, s.mark); err != nil {
			return err
		}
	}
	return out.Commit(ctx, []byte("done"))
}

// tableSink keeps the greatest revision of every row, as destinations do. A failure it is told of comes once.
type tableSink struct {
	mu         sync.Mutex
	rows       map[string]any
	revisions  map[string]int64
	codecs     map[string]any // by schema
	backwards  int
	complete   int64
	failWrites int
	wrote      func()
}

func newTableSink() *tableSink {
	return &tableSink{rows: map[string]any{}, revisions: map[string]int64{}, codecs: map[string]any{}}
}

func (s *tableSink) Write(_ context.Context, b *sinks.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wrote != nil {
		defer s.wrote()
	}
	if s.failWrites > 0 {
		s.failWrites--
		return context.DeadlineExceeded
	}
	for _, r := range b.QueueIntervals {
		kept := own(s, r)
		kept.Revision = 0 // how often a row was written is not part of what it says
		s.put(string(transform.AppendQueueKey(nil, &r)), r.Revision, kept)
	}
	for _, r := range b.AgentQueueIntervals {
		kept := own(s, r)
		kept.Revision = 0
		s.put(string(transform.AppendAgentQueueKey(nil, &r)), r.Revision, kept)
	}
	for _, r := range b.AgentIntervals {
		kept := own(s, r)
		kept.Revision = 0
		s.put(string(transform.AppendAgentKey(nil, &r)), r.Revision, kept)
	}
	for _, r := range b.Completeness {
		s.complete = max(s.complete, r.CompleteThrough)
	}
	return nil
}

// own is a copy whose strings do not belong to the batch.
func own[T schemas.Record](s *tableSink, r T) (copied T) {
	name := schemas.Of[T]().Full
	c, ok := s.codecs[name].(*codec[T])
	if !ok {
		decoder, err := schemas.NewDecoder[T](schemas.Of[T]().JSON)
		if err != nil {
			panic(err) // our own schema
		}
		c = &codec[T]{decoder, schemas.NewEncoder[T]()}
		s.codecs[name] = c
	}
	if err := c.decoder.Decode(c.encoder.Append(nil, &r), &copied); err != nil {
		panic(err) // our own encoding
	}
	return copied
}

type codec[T schemas.Record] struct {
	decoder *schemas.Decoder[T]
	encoder *schemas.Encoder[T]
}

func (s *tableSink) put(key string, revision int64, row any) {
	if old, ok := s.revisions[key]; ok && revision < old {
		s.backwards++
		return
	}
	s.revisions[key], s.rows[key] = revision, row
}

func (s *tableSink) Close() error { return nil }

// table is what is there, without rows of zeros: they say the same as no row.
func (s *tableSink) table() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := maps.Clone(s.rows)
	maps.DeleteFunc(t, func(_ string, row any) bool {
		switch r := row.(type) {
		case schemas.QueueInterval:
			return r.Facts == 0
		case schemas.AgentQueueInterval:
			return r.Facts == 0
		case schemas.AgentInterval:
			return r.Facts == 0
		}
		return false
	})
	return t
}
