package five9

import "time"

// zone turns the clock times of reports into instants. A clock time that a change of the clocks repeats is two instants: which one
// is meant follows from the window that was asked for, since windows are split where the clocks go back (see pieces), so that
// each holds one of the two at most. Not safe for concurrent use.
type zone struct {
	location *time.Location
	from, to int64 // clock times, in milliseconds, that have one offset and no change within a day
	offset   int64
}

func newZone(l *time.Location) *zone { return &zone{location: l} }

// offsetAt is the offset in force at an instant, both in milliseconds.
func (z *zone) offsetAt(ms int64) int64 {
	_, seconds := time.UnixMilli(ms).In(z.location).Zone()
	return int64(seconds) * 1000
}

// instants are the instants that have a clock time: one, two in a repeated hour (the earlier first), or, for a time that the clocks
// skip, the one that is reached when what was skipped is added (02:30 is 03:30).
func (z *zone) instants(civil int64) (first, second int64) {
	if civil >= z.from && civil < z.to {
		return civil - z.offset, civil - z.offset
	}
	before, after := z.offsetAt(civil-dayMs), z.offsetAt(civil+dayMs)
	if before == after {
		z.remember(civil, before)
		return civil - before, civil - before
	}
	a, b := civil-max(before, after), civil-min(before, after)
	validA, validB := a+z.offsetAt(a) == civil, b+z.offsetAt(b) == civil
	switch {
	case validA && validB:
		return a, b
	case validA:
		return a, a
	case validB:
		return b, b
	}
	return civil - before, civil - before
}

// remember notes the local day of a clock time that has one offset from a day before to a day after.
func (z *zone) remember(civil, offset int64) {
	day := civil - (civil%dayMs+dayMs)%dayMs
	if z.offsetAt(day-dayMs) == offset && z.offsetAt(day+2*dayMs) == offset {
		z.from, z.to, z.offset = day, day+dayMs, offset
	}
}

// within is the instant of a clock time in a row of a window: of two, the one that lies in the window or nearer to it. The two are an
// hour apart and a window lies on one side of the change, so this is wrong only for rows far outside the window they came in.
func (z *zone) within(civil, from, to int64) int64 {
	first, second := z.instants(civil)
	if first == second || away(first, from, to) <= away(second, from, to) {
		return first
	}
	return second
}

// away is how far an instant lies outside [from, to).
func away(at, from, to int64) int64 {
	switch {
	case at < from:
		return from - at
	case at >= to:
		return at - to + 1
	}
	return 0
}

// span is a half-open stretch of time.
type span struct{ from, to time.Time }

// pieces splits a window where the clocks of the zone go back, so that in each piece a clock time means one instant.
func pieces(from, to time.Time, l *time.Location) (list []span) {
	for at := from; at.Before(to); {
		change, back := nextChange(at, l)
		if change.IsZero() || !change.Before(to) {
			return append(list, span{from, to})
		}
		if back {
			list = append(list, span{from, change.In(from.Location())})
			from = change.In(from.Location())
		}
		at = change
	}
	return list
}

// nextChange is the first instant after t at which the offset of the zone is another, and whether the clocks go back then. It is
// zero where there is none.
func nextChange(t time.Time, l *time.Location) (at time.Time, back bool) {
	t = t.In(l)
	_, end := t.ZoneBounds()
	for !end.IsZero() {
		_, before := end.Add(-time.Nanosecond).Zone()
		_, after := end.Zone()
		if before != after {
			return end, after < before
		}
		_, end = end.ZoneBounds()
	}
	return time.Time{}, false
}
