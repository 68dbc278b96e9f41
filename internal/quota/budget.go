package quota

import "time"

// budget is what may be done of one operation in one length of time.
type budget struct {
	Limit
	declared   bool
	told       int64 // the vendor's own limit, where it said so
	start, end time.Time
	spent      int64 // by us, in the present stretch
	foreign    int64 // by others who use the credential, as far as the vendor's counters say
	reserved   int64 // what is written down as spent: never less than what is
	underway   int64
	next       time.Time // of a budget by the second: not before
}

// farBack is how far a clock may go back and still be believed: what was spent later than now is waited for. A clock that went back
// further was wrong before, and the stretch that it shows now is taken for spent.
const farBack = 48 * time.Hour

func (b *budget) limit() int64 {
	if b.told > 0 {
		return b.told
	}
	return b.Count
}

// stretch is the stretch of time that an instant belongs to.
func stretch(per time.Duration, zone *time.Location, now time.Time) (start, end time.Time) {
	local := now.In(zone)
	switch per {
	case time.Minute, time.Hour:
		_, seconds := local.Zone()
		offset := time.Duration(seconds) * time.Second
		start = now.Add(offset).Truncate(per).Add(-offset)
		return start, start.Add(per)
	case 24 * time.Hour:
		y, m, d := local.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, zone), time.Date(y, m, d+1, 0, 0, 0, 0, zone)
	}
	return now, now.Add(per)
}

// roll begins a new stretch where the present one is over. What is under way may reach the vendor in the new one, so it counts there
// too.
func (b *budget) roll(zone *time.Location, now time.Time) {
	if b.Per == time.Second {
		return
	}
	back := now.Before(b.start.Add(-farBack))
	if !back && now.Before(b.end) {
		return
	}
	b.start, b.end = stretch(b.Per, zone, now)
	b.spent, b.foreign, b.reserved = b.underway, 0, 0
	if back {
		b.spent = b.limit()
	}
}

// free is the earliest instant, not before now, at which there is something to spend.
func (b *budget) free(zone *time.Location, now time.Time) time.Time {
	if b.Per == time.Second {
		return later(now, b.next)
	}
	b.roll(zone, now)
	if now.Before(b.start) {
		return b.start
	}
	if b.spent+b.foreign >= b.limit() {
		return b.end
	}
	return now
}

// spend takes one, and says whether that has to be written down first.
func (b *budget) spend(now time.Time) (write bool) {
	b.underway++
	b.spent++
	if b.Per == time.Second {
		n := max(b.limit(), 1)
		b.next = now.Add((time.Second + time.Duration(n-1)) / time.Duration(n))
		return false
	}
	return b.spent+b.foreign > b.reserved
}

// unspend gives back what spend took, where nothing was done with it.
func (b *budget) unspend() {
	b.underway--
	b.spent--
}

// reserve sets what is written down next: some more than is spent, so that few writes are needed. A crash costs the rest of the
// block.
func (b *budget) reserve() {
	parts := int64(20)
	if b.Per <= time.Minute {
		parts = 4
	}
	used := b.spent + b.foreign
	b.reserved = max(used, min(b.limit(), used+b.limit()/parts))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
