package warehouse_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/internal/warehouse/nativetest"
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

// The native protocol has the server's types, HTTP has ours: both must store the same.
func TestTypesOfBothProtocols(t *testing.T) {
	agent := schemas.AgentInterval{
		Tenant: "acme", IntervalStart: quarter(0), IntervalSeconds: 900, AgentID: "7", AgentName: "Zoë", LoginMs: 900_000, NotReadyMs: 5, Final: true,
		NotReadyByReason: []schemas.NamedValue{{Name: "", Value: 2}, {Name: "lunch", Value: 3}}, ScheduledMs: schemas.Null, AdherentMs: 0, Revision: 1 << 62,
	}
	bare := schemas.AgentInterval{Tenant: "acme", IntervalStart: quarter(1), IntervalSeconds: 900, ScheduledMs: 1, AdherentMs: schemas.Null}
	state := sinks.Logged[schemas.AgentState]{Topic: "t", Partition: 3, Offset: 1 << 40, ArrivedAt: quarter(9) + 1, Record: schemas.AgentState{
		Tenant: "acme", Revision: -1, StartedAt: quarter(0) + 7, EndedAt: schemas.Null, Sequence: -4, State: schemas.StateNotReady, Reason: "lunch"}}
	b := sinks.Batch{Token: "a", AgentIntervals: []schemas.AgentInterval{agent, bare}, AgentStates: []sinks.Logged[schemas.AgentState]{state},
		Completeness: complete("Asia/Kathmandu", 1800, schemas.Null), Contacts: contactBatch(2), QueueIntervals: []schemas.QueueInterval{row(0, 5, 2), row(1, 4, 1)},
		AgentQueueIntervals: []schemas.AgentQueueInterval{{Tenant: "acme", IntervalStart: quarter(0), IntervalSeconds: 900, AgentID: "7", Completed: schemas.Null}},
		DeadLetters:         []sinks.Logged[schemas.DeadLetter]{{Topic: "d", Record: schemas.DeadLetter{Tenant: "acme", Payload: []byte{0, 0xff}}}}}
	front := nativetest.Start(t, warehousetest.URL(t))
	all := []*warehouse.Warehouse{warehousetest.Open(t), openNative(t, front, ""), openNative(t, front, "compress=lz4")}
	got := make([]string, len(all))
	for i, w := range all {
		if err := w.Migrate(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		insert(t, w, b)
		insert(t, w, b)
		for _, table := range []string{
			"agent_intervals", "agent_intervals_revisions", "agent_queue_intervals", "agent_states", "completeness", "contacts", "dead_letters", "queue_intervals",
		} {
			got[i] += query(t, w, "SELECT * EXCEPT updated_at FROM "+table+" ORDER BY ALL")
		}
	}
	for i, name := range []string{"native", "native with lz4"} {
		if diff := cmp.Diff(got[0], got[i+1]); diff != "" {
			t.Errorf("HTTP and %s differ: %s", name, diff)
		}
	}
	if plain, compressed := front.Blocks(); plain != 14 || compressed != 14 {
		t.Errorf("%d plain and %d compressed blocks came, want 14 of both: each kind twice", plain, compressed)
	}
	for _, want := range []string{"{'':2,'lunch':3}", "\ttrue\t4611686018427387904", "2024-03-31 00:00:00.007\t\\N\t-4\tnot_ready", "Asia/Kathmandu\t1800\t\\N"} {
		if !strings.Contains(got[0], want) {
			t.Errorf("%q is not in\n%s", want, got[0])
		}
	}
}

func TestInsertErrors(t *testing.T) {
	w, _ := warehousetest.Empty(t)
	err := w.Tables().Insert(t.Context(), &sinks.Batch{Token: "a", Contacts: contactBatch(1), QueueIntervals: []schemas.QueueInterval{row(0, 1, 1)}})
	if !warehouse.Permanent(err) || !strings.Contains(err.Error(), "insert into contacts_store") || !strings.Contains(err.Error(), "insert into queue_intervals_store") {
		t.Errorf("without tables: %v", err)
	}
	if err := w.Tables().Insert(t.Context(), &sinks.Batch{Token: "nothing"}); err != nil {
		t.Errorf("an empty batch: %v", err)
	}
}
