package five9

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// row is a row of a report as it is shown from one instant to another, milliseconds since 1970.
type row struct {
	at          int64 // its TIMESTAMP
	from, until int64
	twice       bool
	user, skill string
	told        any // *call, *state or *session of the digital report
}

const forever = math.MaxInt64

// rows makes the rows of a day when they are first asked for, and keeps the days asked for last.
type rows struct {
	centre  *centre.Centre
	zone    *time.Location
	faults  Faults
	numbers map[string]string // 15-digit ids by user name

	mu   *sync.Mutex
	kept map[string][]row
	old  []string // keys of kept, oldest first

	lines map[int]map[string][]*state // by day and user: what the statistics know
}

// keptDays is how many days of rows stay in memory, of all kinds together.
const keptDays = 9

func newRows(c *centre.Centre, zone *time.Location, f Faults) rows {
	r := rows{centre: c, zone: zone, faults: f, numbers: map[string]string{}, mu: &sync.Mutex{}, kept: map[string][]row{}, lines: map[int]map[string][]*state{}}
	for _, a := range c.Accounts(centre.Five9) {
		r.numbers[a.ID] = a.Number
	}
	return r
}

// day gives the rows of a day by their TIMESTAMP.
func (r *rows) day(kind Kind, n int) []row {
	key := fmt.Sprint(kind, n)
	r.mu.Lock()
	defer r.mu.Unlock()
	if day, ok := r.kept[key]; ok {
		return day
	}
	d := r.centre.Day(centre.Five9, n)
	if d == nil {
		return nil
	}
	var day []row
	switch kind {
	case Calls:
		day = r.calls(d)
	case States:
		day = r.states(d)
	case Digital:
		day = r.digital(d)
	}
	slices.SortStableFunc(day, func(a, b row) int { return int(max(-1, min(1, a.at-b.at))) })
	r.kept[key], r.old = day, append(r.old, key)
	if len(r.old) > keptDays {
		delete(r.kept, r.old[0])
		r.old = r.old[1:]
	}
	return day
}

// between gives the rows of a window that are shown at an instant.
func (r *rows) between(kind Kind, start, end time.Time, inclusive bool, asOf int64) (found []*row) {
	from, to := start.UnixMilli(), end.UnixMilli()
	if inclusive {
		to++
	}
	for n := r.centre.DayOf(start) - 1; n <= r.centre.DayOf(end)+1; n++ {
		day := r.day(kind, n)
		at, _ := slices.BinarySearchFunc(day, from, func(r row, from int64) int { return int(max(-1, min(1, r.at-from))) })
		for ; at < len(day) && day[at].at < to; at++ {
			if w := &day[at]; w.from <= asOf && asOf < w.until {
				if found = append(found, w); w.twice {
					found = append(found, w)
				}
			}
		}
	}
	return found
}

// share is true for one in so many; never for 0.
func share(d *rand.Rand, n int) bool { return n > 0 && d.IntN(n) == 0 }

// upTo is a length of whole seconds in [low, high].
func upTo(d *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(d.Int64N(int64((high-low)/time.Second)+1))*time.Second
}

// appears is when a row of something that ended is first shown.
func (r *rows) appears(d *rand.Rand, end time.Time) time.Time {
	at := end.Add(upTo(d, r.faults.Lag, r.faults.LagMost))
	if share(d, r.faults.Late) {
		at = at.Add(upTo(d, r.faults.LateBy/4, r.faults.LateBy))
	}
	return at
}

// show lists what is told, at first perhaps wrongly. wrong makes a wrong copy, or nil where there is nothing to get wrong.
func (r *rows) show(to []row, d *rand.Rand, right row, appears time.Time, wrong func() *row) []row {
	right.from, right.until, right.twice = appears.UnixMilli(), forever, share(d, r.faults.Twice)
	if share(d, r.faults.Wrong) {
		if w := wrong(); w != nil {
			w.from, w.until = right.from, appears.Add(upTo(d, time.Minute, r.faults.Corrected)).UnixMilli()
			right.from = w.until
			to = append(to, *w)
		}
	}
	return append(to, right)
}

// queueOf is the skill that a contact visited, or none.
func queueOf(d *simulator.Day, c *simulator.Contact) (simulator.Queue, bool) {
	if c.Queue < 0 {
		return simulator.Queue{Channel: "voice"}, false
	}
	return d.Queues[c.Queue], true
}

// lasted is a stretch of a day's milliseconds.
func lasted(from, to int64) time.Duration { return time.Duration(to-from) * time.Millisecond }
