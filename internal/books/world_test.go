package books

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
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
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/internal/warehouse/warehousetest"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	clickhousesink "github.com/quarterhour/quarterhour/sinks/clickhouse"
	"github.com/quarterhour/quarterhour/transform"
)

func TestMain(m *testing.M) { warehousetest.Main(m) }

const (
	minute = int64(60_000)
	hour   = 60 * minute
	day    = 24 * hour
	monday = int64(1_772_409_600_000) // 2026-03-02T00:00:00Z
)

// world is Kafka, a registry and ClickHouse, and one pipeline on them.
type world struct {
	t         *testing.T
	cluster   *broker.Cluster
	registry  *registry.Client
	warehouse *warehouse.Warehouse
	file      *pipelines.Pipeline
	steps     *steps
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cluster, err := broker.Open(broker.Config{Brokers: brokertest.Start(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client := registrytest.Start(t)
	tables, config := warehousetest.Empty(t)
	w := &world{t: t, cluster: cluster, registry: client, warehouse: tables, steps: &steps{}}
	w.file = &pipelines.Pipeline{
		Settings: pipelines.Settings{
			Name: brokertest.Name(t), Tenant: "acme", Zone: berlin(t), Interval: 15 * time.Minute, Retention: 48 * time.Hour,
			MaxSession: 16 * time.Hour, ClockSkew: 5 * time.Second, Partitions: 3,
		},
		Sources: []pipelines.Source{{Name: "list", Registration: ingest.Registration{
			Facts: func(any) []string { return []string{"contact", "agent_state"} },
			Open:  func(any, ingest.Deps) (ingest.Source, error) { return w.steps, nil },
		}}},
		Stages: []pipelines.Stage{
			{Options: &spec.Expr{Source: `queue_id != "Test"`}},
			{Options: &transform.StageOptions{Profile: transform.ProfileACD, Late: transform.LateRevise, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}},
		},
		Sinks: []pipelines.Sink{{Name: "warehouse", Registration: clickhousesink.Registration,
			Options: &clickhousesink.Config{URL: config.URL, Database: config.Database, Raw: true, Migrate: "auto"}}},
	}
	return w
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// stage is the intervals stage's options.
func (w *world) stage() *transform.StageOptions {
	return w.file.Stages[1].Options.(*transform.StageOptions)
}

// steps is a source that has handed over as many of its steps as its cursor says.
type steps struct {
	all []func(context.Context, ingest.Out) error
}

func (s *steps) Run(ctx context.Context, cursor []byte, out ingest.Out) error {
	done, _ := strconv.Atoi(string(cursor))
	for ; done < len(s.all); done++ {
		if err := s.all[done](ctx, out); err != nil {
			return err
		}
		if err := out.Commit(ctx, []byte(strconv.Itoa(done+1))); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) contact(c schemas.Contact) {
	w.steps.all = append(w.steps.all, func(ctx context.Context, out ingest.Out) error { c := c; return out.Contact(ctx, &c) })
}

func (w *world) state(s schemas.AgentState) {
	w.steps.all = append(w.steps.all, func(ctx context.Context, out ingest.Out) error { s := s; return out.AgentState(ctx, &s) })
}

func (w *world) mark(at int64) {
	w.steps.all = append(w.steps.all, func(ctx context.Context, out ingest.Out) error {
		if err := out.Commit(ctx, nil); err != nil {
			return err
		}
		for _, fact := range []string{"contact", "agent_state"} {
			if err := out.Mark(ctx, fact, at); err != nil {
				return err
			}
		}
		return nil
	})
}

// run hands over the steps that are new, and lets them through to the tables.
func (w *world) run(stages ...string) {
	w.t.Helper()
	if err := w.drain(w.t.Context(), stages...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) drain(ctx context.Context, stages ...string) error {
	return runtime.Run(ctx, []*pipelines.Pipeline{w.file}, runtime.Options{
		Cluster: w.cluster, Registry: w.registry, Drain: true, Stages: stages, Log: slog.New(slog.DiscardHandler), Progress: noProgress{},
		Metrics: observe.NewMetrics(prometheus.NewRegistry()), Now: clock.Now,
	})
}

// settle is what a rebuild calls where nothing else runs the pipeline.
func (w *world) settle(ctx context.Context) error {
	return w.drain(ctx, runtime.StageIntervals, runtime.StageMerge, runtime.StageSinks)
}

func (w *world) ledger() *runtime.Ledger {
	w.t.Helper()
	l, err := runtime.OpenLedger(w.t.Context(), w.file, runtime.LedgerOptions{Cluster: w.cluster, Registry: w.registry, Log: slog.New(slog.DiscardHandler), Now: clock.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func (w *world) rebuild(r Range, try bool) *Rebuilt {
	w.t.Helper()
	b, err := Rebuild(w.t.Context(), w.ledger(), RebuildOptions{Range: r, Try: try, Progress: noProgress{}, Settle: w.settle})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

type noProgress struct{}

func (noProgress) Report(string, int64, int64, string) {}

// call is a contact of queue q1 that was offered at an instant, answered 10 s later by agent a1 and lasted 100 s.
func call(id string, at int64) schemas.Contact {
	return schemas.Contact{
		InteractionID: id, Segment: "1", Revision: 1, Channel: "voice", QueueID: "q1", QueueName: "Queue 1", AgentID: "a1", AgentName: "Agent 1",
		OfferedAt: at, AnsweredAt: at + 10_000, EndedAt: at + 110_000, WrapEndedAt: at + 120_000,
		TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null, Outcome: schemas.OutcomeHandled,
	}
}

// entered is a state of agent a1.
func entered(id string, at int64, state schemas.State, reason string) schemas.AgentState {
	return schemas.AgentState{AgentID: "a1", AgentName: "Agent 1", StateID: id, Revision: 1, StartedAt: at, EndedAt: schemas.Null, State: state, Reason: reason}
}

// one asks the warehouse for a number.
func (w *world) one(sql string) int64 {
	w.t.Helper()
	var out strings.Builder
	if err := w.warehouse.Query(w.t.Context(), sql, "TSV", &out); err != nil {
		w.t.Fatal(err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(out.String()), 10, 64)
	if err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return n
}
