package expression

import "time"

const (
	dayMs = 24 * 60 * 60 * 1000
	// zoneDays is the size of the cache of days: exports run through few days at a time.
	zoneDays = 64
)

// zoneCache turns local civil times into instants. Not safe for concurrent use.
type zoneCache struct {
	location *time.Location
	days     [zoneDays]zoneDay
}

// zoneDay is one local day: its offset from UTC where it has only one.
type zoneDay struct {
	day      int64 // since 1970, plus 1 so that 0 is empty
	offsetMs int64
	whole    bool
}

// offset is the zone's offset at an instant, both in milliseconds.
func (z *zoneCache) offset(ms int64) int64 {
	_, seconds := time.UnixMilli(ms).In(z.location).Zone()
	return int64(seconds) * 1000
}

// instant is the instant of a local civil time, given as the milliseconds it would have in UTC. A time that a clock change
// repeats is the first of the two; a time that it skips is moved forward by what was skipped (02:30 becomes 03:30).
func (z *zoneCache) instant(civil int64) int64 {
	day := floorDiv(civil, dayMs)
	d := &z.days[uint64(day)%zoneDays]
	if d.day != day+1 {
		start := day * dayMs
		before, after := z.offset(start-dayMs), z.offset(start+2*dayMs)
		*d = zoneDay{day: day + 1, offsetMs: before, whole: before == after}
	}
	if d.whole {
		return civil - d.offsetMs
	}
	before, after := z.offset(civil-dayMs), z.offset(civil+dayMs)
	first, second := civil-max(before, after), civil-min(before, after)
	if z.offset(first) == max(before, after) {
		return first
	}
	if z.offset(second) == min(before, after) && before != after {
		return second
	}
	return civil - before
}

// civil is the local civil time of an instant, as the milliseconds it would have in UTC.
func (z *zoneCache) civil(ms int64) int64 {
	day := floorDiv(ms, dayMs)
	for _, near := range [...]int64{day, day + 1, day - 1} {
		if d := &z.days[uint64(near)%zoneDays]; d.day == near+1 && d.whole {
			if civil := ms + d.offsetMs; floorDiv(civil, dayMs) == near {
				return civil
			}
		}
	}
	return ms + z.offset(ms)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// daysOf is the number of days since 1970 of a date of the proleptic Gregorian calendar. Source: Howard Hinnant,
// "chrono-compatible low-level date algorithms", days_from_civil.
func daysOf(year, month, day int64) int64 {
	if month <= 2 {
		year--
	}
	era := floorDiv(year, 400)
	yearOfEra := year - era*400
	dayOfYear := (153*((month+9)%12)+2)/5 + day - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - 719468
}

func daysIn(year, month int64) int64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// midnight is the start of the local day of an instant.
func (z *zoneCache) midnight(ms int64) int64 { return z.instant(floorDiv(z.civil(ms), dayMs) * dayMs) }

// EndOfDay is the end of the local day that holds an instant: the start of the next.
func EndOfDay(ms int64, l *time.Location) int64 {
	z := &zoneCache{location: l}
	return z.instant((floorDiv(z.civil(ms), dayMs) + 1) * dayMs)
}
