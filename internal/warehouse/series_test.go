package warehouse_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/warehouse/warehousetest"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

func complete(zone string, seconds int32, through int64) []schemas.Completeness {
	return []schemas.Completeness{{Tenant: "acme", Pipeline: "p", Timezone: zone, IntervalSeconds: seconds, CompleteThrough: through, Revision: 1}}
}

func TestSeriesFillsGaps(t *testing.T) {
	w := warehousetest.Open(t)
	late := row(2, 8, 1)
	late.QueueID = "sales"
	provisional := row(5, 3, 1)
	insert(t, w, sinks.Batch{Token: "a",
		QueueIntervals: []schemas.QueueInterval{row(0, 5, 1), row(3, 7, 1), provisional, late},
		Completeness:   complete("Europe/Berlin", 900, quarter(4)+60_000),
	})
	// 01:00 UTC is the instant Berlin's clocks go from 02:00 to 03:00. Complete through 01:01: 01:00 is not over.
	want := `acme/sales/voice	2024-03-31 01:30:00	8
acme/sales/voice	2024-03-31 01:45:00	0
acme/sales/voice	2024-03-31 03:00:00	\N
acme/sales/voice	2024-03-31 03:15:00	\N
acme/support/voice	2024-03-31 01:00:00	5
acme/support/voice	2024-03-31 01:15:00	0
acme/support/voice	2024-03-31 01:30:00	0
acme/support/voice	2024-03-31 01:45:00	7
acme/support/voice	2024-03-31 03:00:00	\N
acme/support/voice	2024-03-31 03:15:00	\N
`
	got := query(t, w, "SELECT unique_id, ds, y FROM series_offered WHERE tenant = 'acme' ORDER BY unique_id, interval_start")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"answered", "abandoned", "handle_ms", "contact_ms", "wait_ms", "backlog"} {
		if n := query(t, w, "SELECT count(), countIf(y = 0) FROM series_"+name); n != "10\t6\n" {
			t.Errorf("series_%s has %q rows and zeros, want 10 and 6", name, n)
		}
	}
}

// A day has 92 or 100 quarter-hours where clocks change, and 24 hours are aligned on the tenant's clock.
func TestSeriesDays(t *testing.T) {
	f := func(zone string, seconds int32, from, through string, want ...string) {
		t.Helper()
		w := warehousetest.Open(t)
		var first, end int64
		if _, err := fmt.Sscan(query(t, w, fmt.Sprintf("SELECT toUnixTimestamp('%s', '%s'), toUnixTimestamp('%s', '%s')", from, zone, through, zone)), &first, &end); err != nil {
			t.Fatal(err)
		}
		r := row(0, 1, 1)
		r.IntervalStart, r.IntervalSeconds = first*1000, seconds
		insert(t, w, sinks.Batch{Token: "a", QueueIntervals: []schemas.QueueInterval{r}, Completeness: complete(zone, seconds, end*1000)})
		got := query(t, w, "SELECT toDate(ds), count() FROM series_offered WHERE y IS NOT NULL GROUP BY 1 ORDER BY 1")
		if diff := cmp.Diff(strings.Join(want, "\n")+"\n", got); diff != "" {
			t.Errorf("%s: %s", zone, diff)
		}
	}
	f("Europe/Berlin", 900, "2024-03-30 00:00:00", "2024-04-02 00:00:00", "2024-03-30\t96", "2024-03-31\t92", "2024-04-01\t96")
	f("Europe/Berlin", 900, "2024-10-26 00:00:00", "2024-10-28 00:00:00", "2024-10-26\t96", "2024-10-27\t100")
	f("Asia/Kathmandu", 3600, "2024-10-26 00:00:00", "2024-10-27 00:00:00", "2024-10-26\t24")
	f("Australia/Lord_Howe", 1800, "2024-10-05 00:00:00", "2024-10-08 00:00:00", "2024-10-05\t48", "2024-10-06\t47", "2024-10-07\t48")
}

// Without completeness nothing is known to be zero; with two pipelines the lesser counts.
func TestSeriesOfATenantThatIsNotComplete(t *testing.T) {
	w := warehousetest.Open(t)
	insert(t, w, sinks.Batch{Token: "a", QueueIntervals: []schemas.QueueInterval{row(0, 5, 1), row(2, 5, 1)}, Completeness: complete("UTC", 900, schemas.Null)})
	f := func(want string) {
		t.Helper()
		if got := query(t, w, "SELECT count(), count(y) FROM series_offered"); got != want {
			t.Errorf("rows and known rows %q, want %q", got, want)
		}
	}
	f("3\t0\n")
	c := complete("UTC", 900, quarter(3))
	c[0].Revision = 2
	insert(t, w, sinks.Batch{Token: "b", Completeness: c})
	f("3\t3\n")
	c[0].Pipeline, c[0].CompleteThrough = "p2", quarter(1)
	insert(t, w, sinks.Batch{Token: "c", Completeness: c})
	f("3\t1\n")
}
