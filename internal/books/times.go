package books

import (
	"cmp"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/transform"
)

// localLayouts are how an instant may be written in the tenant's time zone.
var localLayouts = []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"}

// utcLayouts carry their distance from UTC.
var utcLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"}

// ParseTime reads an instant: 2026-03-02T11:00Z, or on the clock of a time zone 2026-03-02T12:00 or 2026-03-02, its midnight.
// A time that the clock shows twice is the first of both; one that it skips is an error.
func ParseTime(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range utcLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	for _, layout := range localLayouts {
		t, err := time.ParseInLocation(layout, text, zone)
		if err != nil {
			continue
		}
		if layout != "2006-01-02" && t.Format(layout) != text {
			return t, fmt.Errorf("%q is skipped by the clock of %s: write it in UTC, as %s", text, zone, t.UTC().Format(utcLayouts[1]))
		}
		_, offset := t.Zone()
		for _, earlier := range []time.Duration{2 * time.Hour, time.Hour, 30 * time.Minute} {
			if e := t.Add(-earlier); e.Format(layout) == text {
				if _, other := e.Zone(); other != offset {
					return e, nil
				}
			}
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-03-02T11:00Z, or in the time of %s 2026-03-02T12:00 or 2026-03-02", text, zone)
}

// ParseRange reads the range between two instants of a pipeline; an empty one does not bound it. The range begins with the
// interval that from lies in, and the intervals that start at to or after it are not in it.
func ParseRange(p *pipelines.Pipeline, from, to string) (Range, error) {
	r := Always
	grid, err := transform.NewGrid(p.Zone, cmp.Or(p.Interval, transform.DefaultInterval))
	if err != nil {
		return r, err
	}
	if from != "" {
		t, err := ParseTime(from, p.Zone)
		if err != nil {
			return r, err
		}
		r.From = grid.Start(t.UnixMilli())
	}
	if to != "" {
		t, err := ParseTime(to, p.Zone)
		if err != nil {
			return r, err
		}
		r.To = t.UnixMilli()
	}
	if r.From >= r.To {
		return r, fmt.Errorf("the range from %q to %q is empty", from, to)
	}
	return r, nil
}
