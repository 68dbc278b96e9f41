package transform_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/transform"
)

func TestADayHasAsManyIntervalsAsItsClockShows(t *testing.T) {
	f := func(zoneName, day string, size time.Duration, want int) {
		t.Helper()
		z := zone(zoneName)
		date, err := time.ParseInLocation("2006-01-02", day, z)
		if err != nil {
			t.Fatal(err)
		}
		g, err := transform.NewGrid(z, size)
		if err != nil {
			t.Fatal(err)
		}
		starts := g.Starts(date.UnixMilli(), date.AddDate(0, 0, 1).UnixMilli())
		if len(starts) != want {
			t.Errorf("%s in %s has %d intervals of %s, want %d", day, zoneName, len(starts), size, want)
		}
		if starts[0] != date.UnixMilli() {
			t.Errorf("%s in %s begins with %s, want local midnight", day, zoneName, time.UnixMilli(starts[0]).In(z))
		}
	}
	const quarter = 15 * time.Minute
	// a usual day
	f("Europe/Berlin", "2026-03-28", quarter, 96)
	f("Europe/Berlin", "2026-03-28", 5*time.Minute, 288)
	f("Europe/Berlin", "2026-03-28", time.Hour, 24)
	// clocks go forward, and back
	f("Europe/Berlin", "2026-03-29", quarter, 92)
	f("Europe/Berlin", "2026-10-25", quarter, 100)
	f("America/New_York", "2026-03-08", quarter, 92)
	f("America/New_York", "2026-11-01", 30*time.Minute, 50)
	// far in the future the zone's rule goes on
	f("Europe/Berlin", "2060-03-28", quarter, 92)
	// zones with 45 and 30 minutes
	f("Asia/Kathmandu", "2026-06-01", time.Hour, 24)
	f("Asia/Kolkata", "2026-06-01", 30*time.Minute, 48)
	// Lord Howe's clock moves by half an hour: an hour's row is cut there
	f("Australia/Lord_Howe", "2026-04-05", quarter, 98)
	f("Australia/Lord_Howe", "2026-04-05", time.Hour, 25)
	f("Australia/Lord_Howe", "2026-10-04", time.Hour, 24)
	// the first day after the one that Samoa left out
	f("Pacific/Apia", "2011-12-31", quarter, 96)
}

func TestHoursInKathmanduBeginOnItsClock(t *testing.T) {
	g, err := transform.NewGrid(zone("Asia/Kathmandu"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	start, end := g.Bounds(time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC).UnixMilli())
	if got := time.UnixMilli(start).UTC().Format("15:04"); got != "09:15" || end-start != 3_600_000 {
		t.Errorf("the hour of 10:00 UTC begins at %s and has %d ms, want 09:15 and 3600000", got, end-start)
	}
}

// Every instant lies in exactly one interval, no interval straddles a change of offset, and all but those cut by one are aligned.
func TestIntervalsPartitionTime(t *testing.T) {
	zones := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca", "America/Caracas", "Asia/Pyongyang"})
	sizes := rapid.SampledFrom([]time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour})
	rapid.Check(t, func(t *rapid.T) {
		z, size := zone(zones.Draw(t, "zone")), sizes.Draw(t, "size")
		g, err := transform.NewGrid(z, size)
		if err != nil {
			t.Fatal(err)
		}
		ms := rapid.Int64Range(631152000000, 3000000000000).Draw(t, "instant")
		start, end := g.Bounds(ms)
		if ms < start || ms >= end || end-start > size.Milliseconds() {
			t.Fatalf("%d lies in [%d, %d)", ms, start, end)
		}
		if s, _ := g.Bounds(end); s != end {
			t.Fatalf("the interval after [%d, %d) begins at %d", start, end, s)
		}
		if s, e := g.Bounds(start); s != start || e != end {
			t.Fatalf("the start of [%d, %d) lies in [%d, %d)", start, end, s, e)
		}
		_, at := time.UnixMilli(start).In(z).Zone()
		_, last := time.UnixMilli(end - 1).In(z).Zone()
		if at != last {
			t.Fatalf("[%d, %d) straddles a change of offset from %d to %d", start, end, at, last)
		}
		local := time.UnixMilli(start).In(z)
		if _, before := time.UnixMilli(start - 1).In(z).Zone(); before == at && local.Minute()%int(size.Minutes()) != 0 {
			t.Fatalf("interval begins at %s", local)
		}
	})
}

func TestOtherIntervalsAreRefused(t *testing.T) {
	for _, size := range []time.Duration{0, time.Minute, 7 * time.Minute, 15*time.Minute + time.Second, 2 * time.Hour, -15 * time.Minute} {
		if _, err := transform.NewGrid(time.UTC, size); err == nil {
			t.Errorf("a grid of %s was made", size)
		}
	}
}
