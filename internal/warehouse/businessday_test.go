package warehouse_test

import (
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/warehouse/warehousetest"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

// Every quarter-hour of a local day has that day's label: 92 and 100 of them where clocks change; UTC where no zone is known.
func TestBusinessDay(t *testing.T) {
	f := func(zone, from, to, where, want string) {
		t.Helper()
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		first, err := time.ParseInLocation(time.DateOnly, from, location)
		if err != nil {
			t.Fatal(err)
		}
		end, err := time.ParseInLocation(time.DateOnly, to, location)
		if err != nil {
			t.Fatal(err)
		}
		w := warehousetest.Open(t)
		batch := sinks.Batch{Token: "a"}
		if where != "" {
			batch.Completeness = complete(where, 900, schemas.Null)
		}
		for at := first; at.Before(end); at = at.Add(15 * time.Minute) {
			r := row(0, 1, 1)
			r.IntervalStart = at.UnixMilli()
			batch.QueueIntervals = append(batch.QueueIntervals, r)
		}
		insert(t, w, batch)
		if got := query(t, w, "SELECT business_day, count() FROM queue_intervals GROUP BY 1 ORDER BY 1"); got != want {
			t.Errorf("%s from %s to %s: got %q, want %q", zone, from, to, got, want)
		}
	}
	f("Europe/Berlin", "2024-03-30", "2024-04-01", "Europe/Berlin", "2024-03-30\t96\n2024-03-31\t92\n")
	f("Europe/Berlin", "2024-10-27", "2024-10-28", "Europe/Berlin", "2024-10-27\t100\n")
	f("America/New_York", "2024-10-27", "2024-10-28", "America/New_York", "2024-10-27\t96\n")
	f("UTC", "2024-10-27", "2024-10-28", "", "2024-10-27\t96\n")
}
