package five9

import (
	"strconv"
	"time"
)

// counters count operations in stretches that begin by the data centre's clock.
type counters struct {
	limits []Limit
	zone   *time.Location
	spent  map[string]*[3]count
}

type count struct {
	begins int64
	value  int64
}

func newCounters(limits []Limit, zone *time.Location) counters {
	return counters{limits, zone, map[string]*[3]count{}}
}

var periods = [3]struct {
	name    string
	seconds int64
}{{"minute", 60}, {"hour", 3600}, {"day", 86400}}

// begins is when the present minute, hour and day began. An hour of the clock that is passed twice is two.
func (c *counters) begins(now time.Time) [3]int64 {
	local := now.In(c.zone)
	hour := local.Unix() - int64(local.Minute()*60+local.Second())
	return [3]int64{local.Unix() - int64(local.Second()), hour, time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, c.zone).Unix()}
}

// present brings a counter up to the present stretches.
func (c *counters) present(operation string, now time.Time) *[3]count {
	n := c.spent[operation]
	if n == nil {
		n = &[3]count{}
		c.spent[operation] = n
	}
	for i, begins := range c.begins(now) {
		if n[i].begins != begins {
			n[i] = count{begins, 0}
		}
	}
	return n
}

// spend counts an operation, or says which limit does not allow it.
func (c *counters) spend(operation string, now time.Time) (limit int64, over string) {
	for _, l := range c.limits {
		if l.Operation != operation {
			continue
		}
		n := c.present(operation, now)
		for i, limit := range [3]int64{l.Minute, l.Hour, l.Day} {
			if limit > 0 && n[i].value >= limit {
				return limit, periods[i].name
			}
		}
		for i := range n {
			n[i].value++
		}
	}
	return 0, ""
}

// state writes getCallCountersState.
func (c *counters) state(w *writer, now time.Time) {
	for i, p := range periods {
		w.in("return", func() {
			for _, l := range c.limits {
				limit := [3]int64{l.Minute, l.Hour, l.Day}[i]
				if limit == 0 {
					continue
				}
				w.in("callCounterStates", func() {
					w.number("limit", limit)
					w.leaf("operationType", l.Operation)
					w.leaf("value", strconv.FormatInt(c.present(l.Operation, now)[i].value, 10))
				})
			}
			w.number("timeout", p.seconds)
		})
	}
}
