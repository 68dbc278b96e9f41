package warehouse_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/internal/warehouse/nativetest"
	"github.com/quarterhour/quarterhour/internal/warehouse/warehousetest"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

// openNative opens a database of its own through the native protocol.
func openNative(t *testing.T, front *nativetest.Front, parameters string) *warehouse.Warehouse {
	t.Helper()
	_, c := warehousetest.Empty(t)
	c.QueryURL, c.URL = c.URL, front.URL(nativetest.User, nativetest.Password, parameters)
	w, err := warehouse.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func TestNativeMigrates(t *testing.T) {
	front := nativetest.Start(t, warehousetest.URL(t))
	w := openNative(t, front, "compress=lz4")
	for _, want := range []string{"applied", "unchanged"} {
		if pending, err := w.Pending(t.Context()); err != nil || pending != (want == "applied") {
			t.Errorf("before scripts are %s: pending %v, %v", want, pending, err)
		}
		if err := w.Migrate(t.Context(), func(m warehouse.Migration) {
			if m.Outcome != want {
				t.Errorf("%s is %s, want %s", m.Name, m.Outcome, want)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// A connection that breaks in a batch leaves it unknown whether ClickHouse has it: the error asks for it again, and again is once.
func TestNativeConnectionBreaks(t *testing.T) {
	front := nativetest.Start(t, warehousetest.URL(t))
	w := openNative(t, front, "")
	if err := w.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	f := func(where nativetest.Cut, b sinks.Batch, broken, whole string) {
		t.Helper()
		front.CutNext(where)
		err := w.Tables().Insert(t.Context(), &b)
		if e := (*warehouse.Error)(nil); !errors.As(err, &e) || e.Permanent || e.Code != 0 {
			t.Errorf("a connection that breaks: %v", err)
		}
		stored := func(want string) {
			t.Helper()
			if got := query(t, w, "SELECT count(), sum(offered) FROM queue_intervals_store"); got != want {
				t.Errorf("rows and contacts stored %q, want %q", got, want)
			}
		}
		stored(broken)
		for range 2 {
			insert(t, w, b)
			stored(whole)
		}
	}
	f(nativetest.InData, sinks.Batch{Token: "a", QueueIntervals: []schemas.QueueInterval{row(0, 5, 1)}}, "0\t0\n", "1\t5\n")
	f(nativetest.AfterInsert, sinks.Batch{Token: "b", QueueIntervals: []schemas.QueueInterval{row(1, 7, 1)}}, "2\t12\n", "2\t12\n")
}

func TestNativeErrors(t *testing.T) {
	front := nativetest.Start(t, warehousetest.URL(t))
	f := func(err error, permanent bool, want string) {
		t.Helper()
		if err == nil || warehouse.Permanent(err) != permanent || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it, permanent %v", err, want, permanent)
		}
	}
	w := openNative(t, front, "compress=lz4")
	contacts := sinks.Batch{Token: "a", Contacts: contactBatch(1)}
	f(w.Tables().Insert(t.Context(), &contacts), true, "insert into contacts_store: ClickHouse error 81 (UNKNOWN_DATABASE)")
	if err := w.Exec(t.Context(), "CREATE DATABASE "+w.Database()); err != nil {
		t.Fatal(err)
	}
	f(w.Tables().Insert(t.Context(), &contacts), true, "ClickHouse error 60 (UNKNOWN_TABLE)")
	f(w.Query(t.Context(), "SELECT * FROM contacts", "TSV", io.Discard), true, "ClickHouse error 60 (UNKNOWN_TABLE)")
	if err := w.Exec(t.Context(), "CREATE TABLE "+w.Database()+".contacts_store (tenant String) ENGINE = Memory"); err != nil {
		t.Fatal(err)
	}
	f(w.Tables().Insert(t.Context(), &contacts), true, "ClickHouse error 16 (NO_SUCH_COLUMN_IN_TABLE)")
	f(w.Exec(t.Context(), "SELEC 1"), true, "run a statement: ClickHouse error 62 (SYNTAX_ERROR): Syntax error")
	f(w.Exec(t.Context(), "SELECT throwIf(1, 'for now')"), false, "ClickHouse error 395 (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO): for now")
	_, err := warehouse.Open(t.Context(), warehouse.Config{URL: front.URL(nativetest.User, "wrong", "")})
	f(err, true, "ClickHouse error 516 (AUTHENTICATION_FAILED): writer: Authentication failed")
	f(err, true, "check the user and password")
	if err := w.Ping(t.Context()); err != nil {
		t.Errorf("after errors: %v", err)
	}
}
