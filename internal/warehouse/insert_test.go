package warehouse_test

import (
	"context"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/internal/warehouse/warehousetest"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

func TestMain(m *testing.M) {
	warehouse.UseURL(warehousetest.URL)
	warehousetest.Main(m)
}

// query asks for TSV.
func query(t *testing.T, w *warehouse.Warehouse, sql string) string {
	t.Helper()
	var b strings.Builder
	if err := w.Query(context.Background(), sql, "TSV", &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// quarter is an interval of 31 March 2024, the day Berlin's clocks went forward, as milliseconds.
func quarter(i int) int64 { return 1_711_843_200_000 + int64(i)*900_000 }

func row(i int, offered, revision int64) schemas.QueueInterval {
	return schemas.QueueInterval{
		Tenant: "acme", IntervalStart: quarter(i), IntervalSeconds: 900, QueueID: "support", QueueName: "Support", Channel: "voice",
		Offered: offered, Revision: revision,
	}
}

func insert(t *testing.T, w *warehouse.Warehouse, b sinks.Batch) {
	t.Helper()
	if err := w.Tables().Insert(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
}

func TestNewestRevisionIsShown(t *testing.T) {
	w := warehousetest.Open(t)
	insert(t, w, sinks.Batch{Token: "a", QueueIntervals: []schemas.QueueInterval{row(0, 5, 2), row(0, 4, 1), row(1, 1, 1)}})
	insert(t, w, sinks.Batch{Token: "b", QueueIntervals: []schemas.QueueInterval{row(0, 9, 9), row(1, 0, 3)}})
	insert(t, w, sinks.Batch{Token: "c", QueueIntervals: []schemas.QueueInterval{row(0, 7, 7)}})
	got := query(t, w, "SELECT interval_start, offered, revision FROM queue_intervals ORDER BY 1")
	want := "2024-03-31 00:00:00\t9\t9\n2024-03-31 00:15:00\t0\t3\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
