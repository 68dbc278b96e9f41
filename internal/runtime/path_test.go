package runtime

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/internal/warehouse/warehousetest"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/pipelines/examples"
	sink "github.com/quarterhour/quarterhour/sinks/clickhouse"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(outageVariable); config != "" {
		if err := outageProcess(config); err != nil {
			slog.Error("the process ends", "err", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	warehousetest.Main(m)
}

// The whole path: files, Kafka (Apache's own where the environment names one), the shards and merges, ClickHouse's tables.
func TestFilesBecomeTheTablesThatTheDayWas(t *testing.T) {
	w := newWorld(t)
	tables := warehousetest.Open(t)
	options, err := simulator.DefaultOptions()
	if err != nil {
		t.Fatal(err)
	}
	options.Agents, options.Queues, options.Contacts = 20, 8, 1_200
	day := simulator.NewDay(options)
	exports, dir := day.Exports(), t.TempDir()
	p, err := pipelines.Parse("contact-centre-day.yaml", examples.ContactCentreDay, spec.Environment{"DAY": dir})
	if err != nil {
		t.Fatal(err)
	}
	p.Name = brokertest.Name(t)
	p.Sinks[0].Options.(*sink.Config).Database = tables.Database()
	for when, folder := range []string{simulator.OnTime: "day", simulator.Late: "late"} {
		if err := exports.Write(filepath.Join(dir, folder), simulator.Delivery(when)); err != nil {
			t.Fatal(err)
		}
		if err := Run(t.Context(), []*pipelines.Pipeline{p}, Options{
			Cluster: w.cluster, Registry: w.registry, Warehouse: warehousetest.URL(t), Drain: true, Log: slog.New(slog.DiscardHandler),
			Progress: noProgress{}, Metrics: observe.NewMetrics(prometheus.NewRegistry()), Now: clock.Now,
		}); err != nil {
			t.Fatal(err)
		}
	}
	checkTables(t, tables, day.Truth(simulator.Rules{Interval: 15 * time.Minute, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}))
}

func checkTables(t *testing.T, tables *warehouse.Warehouse, truth simulator.Truth) {
	t.Helper()
	for _, table := range truth.Tables() {
		var answer bytes.Buffer
		if err := tables.Query(context.Background(), "SELECT "+truth.Columns(table)+" FROM "+table, "JSONEachRow", &answer); err != nil {
			t.Fatal(err)
		}
		check, err := truth.Check(table, &answer)
		if err != nil {
			t.Fatal(err)
		}
		if len(check.Differences) > 0 || check.Provisional > 0 || check.Rows == 0 {
			t.Errorf("%s: %d rows, %d not final, %d cells differ: %v", table, check.Rows, check.Provisional, len(check.Differences),
				check.Differences[:min(5, len(check.Differences))])
		}
	}
}
