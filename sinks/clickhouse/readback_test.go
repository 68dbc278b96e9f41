package clickhouse

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

// readBack reads the views into the records that were written, column by column under the names of the Avro schemas.
func readBack(t testing.TB, w *warehouse.Warehouse) *sinks.Batch {
	t.Helper()
	return &sinks.Batch{
		QueueIntervals:      read[schemas.QueueInterval](t, w, "queue_intervals"),
		AgentQueueIntervals: read[schemas.AgentQueueInterval](t, w, "agent_queue_intervals"),
		AgentIntervals:      read[schemas.AgentInterval](t, w, "agent_intervals"),
		Completeness:        read[schemas.Completeness](t, w, "completeness"),
		Contacts:            readLogged[schemas.Contact](t, w, "contacts"),
		AgentStates:         readLogged[schemas.AgentState](t, w, "agent_states"),
		DeadLetters:         readLogged[schemas.DeadLetter](t, w, "dead_letters"),
		Deliveries:          read[schemas.Delivery](t, w, "deliveries"),
		Workers:             readLogged[schemas.Worker](t, w, newestWorkers),
	}
}

// newestWorkers is the newest record of each id as it was written: the view says of a deleted one what it said last.
const newestWorkers = `(SELECT tenant, source, worker_id, newest.1 AS revision, newest.2 AS retracted, newest.3 AS email, newest.4 AS tag,
	newest.5 AS name, newest.6 AS system, newest.7 AS agent_id, newest.8 AS active, newest.9 AS log_offset, newest.10 AS log_topic,
	newest.11 AS log_partition, newest.12 AS arrived_at
	FROM (SELECT tenant, source, worker_id, max(tuple(revision, retracted, email, tag, name, system, agent_id, active, log_offset, log_topic,
		log_partition, arrived_at)) AS newest FROM workers_revisions GROUP BY tenant, source, worker_id))`

func read[T any](t testing.TB, w *warehouse.Warehouse, view string) (all []T) {
	rows(t, w, view, reflect.TypeFor[T](), "", func(r map[string]json.RawMessage) {
		var record T
		set(t, reflect.ValueOf(&record).Elem(), r)
		all = append(all, record)
	})
	return all
}

func readLogged[T any](t testing.TB, w *warehouse.Warehouse, view string) (all []sinks.Logged[T]) {
	more := ", log_topic, log_partition, log_offset, toUnixTimestamp64Milli(arrived_at) AS arrived"
	rows(t, w, view, reflect.TypeFor[T](), more, func(r map[string]json.RawMessage) {
		var l sinks.Logged[T]
		set(t, reflect.ValueOf(&l.Record).Elem(), r)
		for name, into := range map[string]any{"log_topic": &l.Topic, "log_partition": &l.Partition, "log_offset": &l.Offset, "arrived": &l.ArrivedAt} {
			unmarshal(t, r[name], into)
		}
		all = append(all, l)
	})
	return all
}

func rows(t testing.TB, w *warehouse.Warehouse, view string, record reflect.Type, more string, each func(map[string]json.RawMessage)) {
	t.Helper()
	var columns []string
	for i := range record.NumField() {
		name := record.Field(i).Tag.Get("avro")
		columns = append(columns, fmt.Sprintf("%s AS `%s.`", expression(record.Field(i), name), name))
	}
	var out strings.Builder
	if err := w.Query(t.Context(), "SELECT "+strings.Join(columns, ", ")+more+" FROM "+view, "JSONEachRow", &out); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		var r map[string]json.RawMessage
		unmarshal(t, []byte(line), &r)
		each(r)
	}
}

func expression(f reflect.StructField, name string) string {
	switch {
	case name == "interval_start":
		return "toInt64(toUnixTimestamp(interval_start)) * 1000"
	case f.Type.Kind() == reflect.Int64 && (strings.HasSuffix(name, "_at") || name == "complete_through"):
		return "toUnixTimestamp64Milli(" + name + ")"
	case f.Type.Kind() == reflect.Uint8:
		return "toInt8(" + name + ")"
	case f.Type == reflect.TypeFor[[]byte]():
		return "base64Encode(" + name + ")"
	}
	return name
}

func set(t testing.TB, v reflect.Value, r map[string]json.RawMessage) {
	t.Helper()
	for i := range v.NumField() {
		raw, f := r[v.Type().Field(i).Tag.Get("avro")+"."], v.Field(i)
		switch {
		case string(raw) == "null":
			f.SetInt(schemas.Null)
		case f.Type() == reflect.TypeFor[[]schemas.NamedValue]():
			var m map[string]int64
			unmarshal(t, raw, &m)
			var all []schemas.NamedValue
			for name, value := range m {
				all = append(all, schemas.NamedValue{Name: name, Value: value})
			}
			slices.SortFunc(all, func(a, b schemas.NamedValue) int { return strings.Compare(a.Name, b.Name) })
			f.Set(reflect.ValueOf(all))
		default:
			unmarshal(t, raw, f.Addr().Interface())
		}
	}
}

func unmarshal(t testing.TB, raw []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
}
