package script

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// firstDay is the day of times without a date until `day` says another: a Monday far from any change of clocks.
var firstDay = date{2026, time.March, 2}

type date struct {
	year  int
	month time.Month
	day   int
}

func (d date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.year, int(d.month), d.day) }

func parseDate(text string) (date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1 {
		return date{}, fmt.Errorf("%q is not a date: write 2026-03-02", text)
	}
	return date{t.Year(), t.Month(), t.Day()}, nil
}

func (d date) plus(days int) date {
	t := time.Date(d.year, d.month, d.day+days, 0, 0, 0, 0, time.UTC)
	return date{t.Year(), t.Month(), t.Day()}
}

// start is the first instant of the day in a zone, milliseconds since 1970: some zones' clocks change at midnight.
func (d date) start(zone *time.Location) int64 {
	t := time.Date(d.year, d.month, d.day, 0, 0, 0, 0, zone)
	if t.Day() != d.day {
		_, t = t.ZoneBounds()
	}
	return t.UnixMilli()
}

// clockTime is a time of day as it is written: 09:00, 09:00:05.250, 24:00, each with a date before it and T, with +1d or -2d for
// the day after the next or two days before, and with the offset from UTC where the wall clock shows the time twice.
type clockTime struct {
	text                  string
	date                  date
	hour, minute, seconds int // seconds in thousandths
	offset                time.Duration
	hasOffset             bool
}

func parseClock(text string, day date) (t clockTime, err error) {
	bad := fmt.Errorf("%q is not a time: write 09:00, 09:00:05, 09:00+1d for the next day, 02:30+02:00 with its offset, or 2026-03-02T09:00", text)
	t.text, t.date = text, day
	rest := text
	if before, after, ok := strings.Cut(text, "T"); ok {
		if t.date, err = parseDate(before); err != nil {
			return t, bad
		}
		rest = after
	}
	end := strings.IndexAny(rest, "+-Z")
	if end < 0 {
		end = len(rest)
	}
	tail := rest[end:]
	if !t.parseWall(rest[:end]) {
		return t, bad
	}
	if shift, after, ok := strings.Cut(tail, "d"); ok {
		n, err := strconv.Atoi(shift)
		if err != nil || n < -10_000 || n > 10_000 {
			return t, bad
		}
		t.date, tail = t.date.plus(n), after
	}
	if tail == "" {
		return t, nil
	}
	t.hasOffset = true
	if tail == "Z" {
		return t, nil
	}
	ahead, err := time.Parse("-07:00", tail)
	if err != nil {
		return t, bad
	}
	_, seconds := ahead.Zone()
	t.offset = time.Duration(seconds) * time.Second
	return t, nil
}

// parseWall reads HH:MM, HH:MM:SS and HH:MM:SS.mmm.
func (t *clockTime) parseWall(text string) bool {
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 || len(parts[0]) != 2 {
		return false
	}
	hour, ok := clockPart(parts[0], true, false)
	minute, also := clockPart(parts[1], false, false)
	if !ok || !also {
		return false
	}
	t.hour, t.minute = int(hour/1000), int(minute/1000)
	if len(parts) == 3 {
		seconds, ok := clockPart(parts[2], false, true)
		if !ok {
			return false
		}
		t.seconds = int(seconds)
	}
	return t.hour < 24 || t.hour == 24 && t.minute == 0 && t.seconds == 0
}

// in is the instant in a zone, milliseconds since 1970. Times that the wall clock of the zone leaves out are refused, and those
// that it shows twice where no offset says which is meant.
func (t clockTime) in(zone *time.Location) (int64, error) {
	if t.hour == 24 {
		t.date, t.hour = t.date.plus(1), 0
	}
	wall := time.Date(t.date.year, t.date.month, t.date.day, t.hour, t.minute, 0, t.seconds*1e6, time.UTC)
	if t.hasOffset {
		return wall.Add(-t.offset).UnixMilli(), nil
	}
	near := time.Date(t.date.year, t.date.month, t.date.day, t.hour, t.minute, 0, t.seconds*1e6, zone)
	found := instantsOf(wall, near)
	switch len(found) {
	case 1:
		return found[0].UnixMilli(), nil
	case 0:
		return 0, fmt.Errorf("%q is left out on %s in %s: the clocks go forward over it", t.text, t.date, zone)
	}
	return 0, fmt.Errorf("%q is twice on %s in %s: write %s or %s", t.text, t.date, zone, withOffset(t.text, found[0]), withOffset(t.text, found[1]))
}

// instantsOf lists the instants at which the clocks of a zone show a wall time, in order; near is one close to them, in the zone.
func instantsOf(wall, near time.Time) (found []time.Time) {
	from, to := near.ZoneBounds()
	stretches := []time.Time{near}
	if !from.IsZero() {
		stretches = append([]time.Time{from.Add(-1)}, stretches...)
	}
	if !to.IsZero() {
		stretches = append(stretches, to)
	}
	for _, s := range stretches {
		_, ahead := s.Zone()
		t := wall.Add(-time.Duration(ahead) * time.Second).In(near.Location())
		if _, is := t.Zone(); is == ahead && (len(found) == 0 || !t.Equal(found[len(found)-1])) {
			found = append(found, t)
		}
	}
	return found
}

func withOffset(text string, t time.Time) string { return text + t.Format("-07:00") }

// formatInstant writes an instant as people of the zone would read it.
func formatInstant(ms int64, zone *time.Location) string {
	t := time.UnixMilli(ms).In(zone)
	layout := "2006-01-02 15:04"
	switch {
	case ms%1000 != 0:
		layout += ":05.000"
	case ms%60_000 != 0:
		layout += ":05"
	}
	if zone != time.UTC {
		layout += " -07:00"
	}
	return t.Format(layout)
}
