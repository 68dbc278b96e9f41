package clickhouse

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
	"github.com/quarterhour/quarterhour/sinks/sinktest"
)

func TestMain(m *testing.M) { warehousetest.Main(m) }

func openSink(t testing.TB, c warehouse.Config, options Config) sinks.Sink {
	t.Helper()
	options.Database = c.Database
	s, err := Registration.Open(context.Background(), &options, sinks.Deps{Tenant: "acme", Pipeline: "p", Name: "warehouse", Warehouse: c.URL})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func destination(t testing.TB) sinktest.Destination {
	w, c := warehousetest.Empty(t)
	return destinationAt(w, c)
}

// nativeDestination is written to through the native protocol, and read through HTTP.
func nativeDestination(t testing.TB) sinktest.Destination {
	w, c := warehousetest.Empty(t)
	c.URL = nativetest.Start(t, c.URL).URL(nativetest.User, nativetest.Password, "compress=lz4")
	return destinationAt(w, c)
}

func destinationAt(w *warehouse.Warehouse, c warehouse.Config) sinktest.Destination {
	exec := func(t testing.TB, sql string) {
		t.Helper()
		if err := w.Exec(context.Background(), strings.ReplaceAll(sql, "DB", c.Database)); err != nil {
			t.Fatal(err)
		}
	}
	return sinktest.Destination{
		Open: func(t testing.TB) sinks.Sink { return openSink(t, c, Config{Raw: true, Migrate: "auto"}) },
		Read: func(t testing.TB) *sinks.Batch { return readBack(t, w) },
		Break: func(t testing.TB) func() {
			exec(t, "RENAME TABLE DB.agent_queue_intervals_store TO DB.away")
			return func() { exec(t, "RENAME TABLE DB.away TO DB.agent_queue_intervals_store") }
		},
		Widen: func(t testing.TB) {
			for _, table := range []string{"queue_intervals_store", "contacts_store", "completeness_store"} {
				exec(t, "ALTER TABLE DB."+table+" ADD COLUMN site String DEFAULT 'main' FIRST")
			}
		},
	}
}

func TestSink(t *testing.T) { sinktest.Run(t, destination) }

func TestSinkNative(t *testing.T) { sinktest.Run(t, nativeDestination) }

func TestHistoryHasEveryRevisionOnce(t *testing.T) {
	w, c := warehousetest.Empty(t)
	s := openSink(t, c, Config{Raw: true, Migrate: "auto"})
	defer s.Close()
	row := func(revision int64) schemas.QueueInterval {
		return schemas.QueueInterval{Tenant: "acme", IntervalStart: 900_000, IntervalSeconds: 900, QueueID: "q", Offered: 10 * revision, Revision: revision}
	}
	for _, b := range []sinks.Batch{
		{Token: "a", QueueIntervals: []schemas.QueueInterval{row(1), row(2)}},
		{Token: "a", QueueIntervals: []schemas.QueueInterval{row(1), row(2)}},
		{Token: "b", QueueIntervals: []schemas.QueueInterval{row(2), row(3)}},
	} {
		if err := s.Write(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	var got strings.Builder
	if err := w.Query(t.Context(), "SELECT revision, offered FROM queue_intervals_revisions ORDER BY revision", "TSV", &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("1\t10\n2\t20\n3\t30\n", got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutRawFacts(t *testing.T) {
	w, c := warehousetest.Empty(t)
	s := openSink(t, c, Config{Raw: false, Migrate: "auto"})
	defer s.Close()
	b := sinks.Batch{Token: "a", Contacts: make([]sinks.Logged[schemas.Contact], 3), DeadLetters: make([]sinks.Logged[schemas.DeadLetter], 1)}
	if err := s.Write(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if got := readBack(t, w); len(got.Contacts) != 0 || len(got.DeadLetters) != 1 {
		t.Errorf("got %d contacts and %d dead letters, want 0 and 1", len(got.Contacts), len(got.DeadLetters))
	}
	if len(b.Contacts) != 3 {
		t.Error("the sink changed its batch")
	}
}

func TestOpenErrors(t *testing.T) {
	f := func(c Config, warehouse, want string) {
		t.Helper()
		s, err := Registration.Open(t.Context(), &c, sinks.Deps{Name: "w", Warehouse: warehouse})
		if err == nil {
			s.Close()
			t.Fatalf("%+v opened, want %q", c, want)
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q in it", c, err, want)
		}
	}
	url := warehousetest.URL(t)
	f(Config{}, "", "no ClickHouse: give url")
	f(Config{}, "ftp://host", `"ftp" is no protocol of ClickHouse`)
	f(Config{}, "clickhouse://user:secret@%", "not a URL")
	f(Config{}, "http://127.0.0.1:1", "check that ClickHouse runs and that its address is right")
	f(Config{Migrate: "never", Database: "never_made"}, url, "run `quarterhour migrate`")
}
