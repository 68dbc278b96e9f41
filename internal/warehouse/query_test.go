package warehouse_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/internal/warehouse/warehousetest"
)

func TestQueryFormats(t *testing.T) {
	w := warehousetest.Open(t)
	f := func(sql, format, want string) {
		t.Helper()
		var got strings.Builder
		if err := w.Query(t.Context(), sql, format, &got); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
		if got.String() != want {
			t.Errorf("%s as %s: got %q, want %q", sql, format, &got, want)
		}
	}
	f("SELECT 1, 'a\tb'", "TSV", "1\ta\\tb\n")
	f("SELECT 1 AS one", "JSONEachRow", "{\"one\":1}\n")
	f("SELECT 1 AS one FORMAT CSVWithNames", "TSV", "\"one\"\n1\n")
	f("SELECT 1 AS one\nformat JSONEachRow ; \n", "TSV", "{\"one\":1}\n")
	f("SELECT 'x FORMAT TSV'", "CSV", "\"x FORMAT TSV\"\n")
	f("SELECT count() FROM queue_intervals", "TSV", "0\n")
	f("SELECT name FROM system.databases WHERE name = currentDatabase()", "TSV", w.Database()+"\n")
	f("CREATE TABLE own (a Int64) ENGINE = Memory", "TSV", "")
	f("INSERT INTO own VALUES (1), (2)", "TSV", "")
	f("SELECT sum(a) FROM own", "TSV", "3\n")
}

func TestQueryErrors(t *testing.T) {
	w := warehousetest.Open(t)
	f := func(sql, format string, permanent bool, want ...string) {
		t.Helper()
		err := w.Query(t.Context(), sql, format, io.Discard)
		if warehouse.Permanent(err) != permanent {
			t.Errorf("%s: %v: permanent is not %v", sql, err, permanent)
		}
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, want %q in it", sql, err, part)
			}
		}
	}
	f("SELEC 1", "TSV", true, "ClickHouse error 62", "SYNTAX_ERROR")
	f("SELECT * FROM queue_interval", "TSV", true, "UNKNOWN_TABLE", "check the name")
	f("SELECT offerd FROM queue_intervals", "TSV", true, "UNKNOWN_IDENTIFIER", "offered")
	f("SELECT 1", "NoSuchFormat", true, "NoSuchFormat")
	// The answer has begun when the error comes.
	f("SELECT throwIf(number = 3000000, 'much later') FROM numbers(10000000)", "TSV", false, "much later")
}

func TestQueryWithoutTables(t *testing.T) {
	w, _ := warehousetest.Empty(t)
	err := w.Query(t.Context(), "SELECT * FROM queue_intervals", "TSV", io.Discard)
	if !warehouse.Permanent(err) || !strings.Contains(err.Error(), "quarterhour migrate") {
		t.Errorf("got %v", err)
	}
}

// failAfter is a reader that goes away.
type failAfter struct{ left int }

var errGone = errors.New("reader has gone")

func (f *failAfter) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errGone
	}
	return len(p), nil
}

func TestQueryStreams(t *testing.T) {
	w := warehousetest.Open(t)
	endless := "SELECT number FROM numbers(1000000000000)"
	if err := w.Query(t.Context(), endless, "TSV", &failAfter{left: 1 << 20}); !errors.Is(err, errGone) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := w.Query(ctx, endless, "TSV", io.Discard); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if got := query(t, w, "SELECT 1"); got != "1\n" {
		t.Errorf("after it got %q", got)
	}
}
