package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/embedded"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/pipelines"
)

// pathRows is the size of the file: enough that the start of the groups weighs little. The start of the engines is not counted.
const pathRows = 500_000

const pathPipeline = `
pipeline: bench
tenant: acme
partitions: 2
timezone: Europe/Berlin
ingest:
  calls:
    type: file
    path: ${CALLS}
    as: contact
    fields:
      interaction_id: call
      channel: '"voice"'
      queue_id: queue
      agent_id: agent
      offered_at: time(offered)
      answered_at: time(answered)
      ended_at: time(ended)
      wrap_ended_at: time(wrapped)
      outcome: '"handled"'
transform:
  - intervals: {late: revise}
sinks:
  warehouse: {type: clickhouse}
`

// Path measures the whole path on this machine: a CSV file, through Kafka and the intervals, into ClickHouse's tables, until a
// drained run has ended.
func Path(ctx context.Context) (figures []Figure, err error) {
	dir, err := os.MkdirTemp("", "quarterhour-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	calls := filepath.Join(dir, "calls.csv")
	if err := writeCalls(calls, pathRows); err != nil {
		return nil, err
	}
	pipeline, err := pipelines.Parse("bench.yaml", []byte(pathPipeline), spec.Environment{"CALLS": calls})
	if err != nil {
		return nil, err
	}
	engines, err := embedded.Start(ctx, embedded.Options{Dir: filepath.Join(dir, "data"), Holder: "quarterhour bench", Kafka: true, ClickHouse: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, engines.Close()) }()
	cluster, err := broker.Open(broker.Config{Brokers: engines.Brokers})
	if err != nil {
		return nil, err
	}
	defer cluster.Close()
	reg, err := registry.Open(engines.Registry)
	if err != nil {
		return nil, err
	}
	if err := createTables(ctx, engines.ClickHouse); err != nil {
		return nil, err
	}
	started := clock.Now()
	if err := runtime.Run(ctx, []*pipelines.Pipeline{pipeline}, runtime.Options{
		Cluster: cluster, Registry: reg, Warehouse: engines.ClickHouse, Drain: true, Log: slog.New(slog.DiscardHandler), Progress: quiet{},
		Metrics: observe.NewMetrics(prometheus.NewRegistry()), Now: clock.Now,
	}); err != nil {
		return nil, err
	}
	took := clock.Since(started)
	return []Figure{atLeast("whole path, file to ClickHouse", pathRows/took.Seconds(), 100_000, "rows/s",
		fmt.Sprintf("%d calls, raw facts and interval tables, in %s", pathRows, took.Round(10*time.Millisecond)))}, nil
}

// createTables happens once in the life of a warehouse, and is not counted.
func createTables(ctx context.Context, address string) error {
	w, err := warehouse.Open(ctx, warehouse.Config{URL: address})
	if err != nil {
		return err
	}
	return errors.Join(w.Migrate(ctx, func(warehouse.Migration) {}), w.Close())
}

type quiet struct{}

func (quiet) Report(string, int64, int64, string) {}

// writeCalls writes a week of n calls, in local time: 900 agents in shifts, each with a queue of its own and now and then a second.
func writeCalls(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "call,queue,agent,offered,answered,ended,wrapped")
	const layout = "2006-01-02 15:04:05"
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range n {
		at := start.Add(time.Duration(i) * 7 * 24 * time.Hour / time.Duration(n))
		agent, queue := at.Hour()/8*300+i%300, i%50
		if i/300%3 == 0 {
			queue = (i + 7) % 50
		}
		answered := at.Add(time.Duration(i%40) * time.Second)
		ended := answered.Add(time.Duration(100+i%200) * time.Second)
		fmt.Fprintf(w, "c%09d,queue-%d,agent-%d,%s,%s,%s,%s\n", i, queue, agent, at.Format(layout), answered.Format(layout),
			ended.Format(layout), ended.Add(20*time.Second).Format(layout))
	}
	return errors.Join(w.Flush(), f.Close())
}
