package columns

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

func exprs(pairs ...string) (list spec.Exprs) {
	for n := 0; n < len(pairs); n += 2 {
		list = append(list, spec.NamedExpr{Name: pairs[n], Expr: spec.Expr{Source: pairs[n+1]}})
	}
	return list
}

func TestTexts(t *testing.T) {
	kathmandu, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	row := &schemas.QueueInterval{
		Tenant: "t", IntervalStart: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixMilli(), IntervalSeconds: 900, QueueID: "q1", QueueName: "Billing",
		Offered: 12, Answered: 9, TalkMs: 4_210_500, Final: true,
	}
	completed := &schemas.AgentQueueInterval{IntervalStart: row.IntervalStart, Completed: schemas.Null}
	f := func(kind string, format Format, columns spec.Exprs, want ...string) {
		t.Helper()
		table, err := New(kind, columns, format)
		if err != nil {
			t.Fatal(err)
		}
		got, err := table.Texts(nil, &delivery.Item{Queue: row, AgentQueue: completed})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	some := exprs("start", "interval_start", "queue", "queue_id", "offered", "offered", "talk", "talk_ms", "final", "final", "left", "offered - answered", "length", "interval_seconds")
	f("queue_interval", Format{}, some, "2026-03-02T09:00:00Z", "q1", "12", "4210", "true", "3", "900")
	f("queue_interval", Format{Times: "2006-01-02;15:04", Zone: kathmandu, Durations: "hh:mm:ss"}, some, "2026-03-02;14:45", "q1", "12", "01:10:10", "true", "3", "900")
	f("queue_interval", Format{Times: "unix", Durations: "minutes"}, some, "1772442000", "q1", "12", "70.175", "true", "3", "900")
	f("queue_interval", Format{Times: "unix_ms", Durations: "milliseconds"}, some, "1772442000000", "q1", "12", "4210500", "true", "3", "900")
	f("agent_queue_interval", Format{Absent: "NULL"}, exprs("completed", "completed"), "NULL")
}

func TestErrors(t *testing.T) {
	if _, err := New("queue_interval", exprs("a", "ofered"), Format{}); err == nil || !strings.Contains(err.Error(), `did you mean "offered"`) {
		t.Errorf("error %v", err)
	}
	if _, err := New("queue", nil, Format{}); err == nil {
		t.Error("no error for an unknown kind")
	}
	table, err := New("queue_interval", nil, Format{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Texts(nil, &delivery.Item{Key: "agent/x", Agent: &schemas.AgentInterval{}}); err == nil || !strings.Contains(err.Error(), "agent/x") {
		t.Errorf("error %v", err)
	}
}

func TestSeconds(t *testing.T) {
	for ms, want := range map[int64]int64{0: 0, 499: 0, 500: 0, 501: 1, 1499: 1, 1500: 2, 2500: 2, 899_999: 900, 900_000: 900, -500: 0, -1500: -2, -501: -1} {
		if got := Seconds(ms); got != want {
			t.Errorf("Seconds(%d) = %d, want %d", ms, got, want)
		}
	}
}

func BenchmarkTexts(b *testing.B) {
	table, err := New("queue_interval", nil, Format{})
	if err != nil {
		b.Fatal(err)
	}
	item := &delivery.Item{Queue: &schemas.QueueInterval{Tenant: "t", QueueID: "q"}}
	var dst []string
	for b.Loop() {
		if dst, err = table.Texts(dst[:0], item); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// The reasons of not being ready are a column as JSON, and without columns of its own a table has all fields.
func TestAllFields(t *testing.T) {
	table, err := New("agent_interval", nil, Format{Durations: "milliseconds"})
	if err != nil {
		t.Fatal(err)
	}
	item := &delivery.Item{Agent: &schemas.AgentInterval{
		AgentID: "7", NotReadyMs: 3, NotReadyByReason: []schemas.NamedValue{{Name: `"a"`, Value: 1}, {Name: "b", Value: 2}}, ScheduledMs: schemas.Null, AdherentMs: 4,
	}}
	for range 2 {
		texts, err := table.Texts(nil, item)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for n, name := range table.Names {
			got[name] = texts[n]
		}
		if got["agent_id"] != "7" || got["not_ready_ms"] != "3" || got["not_ready_by_reason"] != `{"\"a\"":1,"b":2}` || got["scheduled_ms"] != "" || got["adherent_ms"] != "4" {
			t.Errorf("%v", got)
		}
		if len(table.Kinds) != len(table.Names) || len(table.Names) != 18 {
			t.Errorf("%v %v", table.Names, table.Kinds)
		}
		item.Agent.NotReadyByReason = append([]schemas.NamedValue(nil), item.Agent.NotReadyByReason...)
	}
	if !strings.Contains(Fields("agent_interval"), "not_ready_by_reason") {
		t.Error(Fields("agent_interval"))
	}
}
