package centre

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
)

type dayKey struct {
	vendor Vendor
	n      int
}

// keptDay is a day that is made when it is first asked for, and forgotten when others have been asked for since.
type keptDay struct {
	make func() *simulator.Day
	used int
}

// kept is how many days are held in memory.
const kept = 9

// Day is what happened at a vendor on the nth day from 0; nil outside the centre's days.
func (c *Centre) Day(v Vendor, n int) *simulator.Day {
	if n < 0 || n >= c.Days || c.Sizes[v].Agents == 0 {
		return nil
	}
	return c.keep(dayKey{v, n}).make()
}

func (c *Centre) keep(key dayKey) *keptDay {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.days[key]
	if !ok {
		k = &keptDay{make: sync.OnceValue(func() *simulator.Day { return c.live(key.vendor, key.n) })}
		c.days[key] = k
	}
	c.tick++
	k.used = c.tick
	if len(c.days) > kept {
		oldest := key
		for other, k := range c.days {
			if k.used < c.days[oldest].used {
				oldest = other
			}
		}
		delete(c.days, oldest)
	}
	return k
}

func (c *Centre) live(v Vendor, n int) *simulator.Day {
	o := simulator.Options{
		Date: c.From.AddDate(0, 0, n), Seed: c.Dice("day", string(v), fmt.Sprint(n)).Uint64(), Contacts: c.Sizes[v].Contacts,
		Prefix: fmt.Sprint(n), Lines: c.queues[v], Reasons: [2]string{"Break", "Lunch"},
	}
	for _, a := range c.accounts[v][:c.Sizes[v].Agents] {
		o.People = append(o.People, simulator.Named{ID: a.ID, Name: a.Name})
	}
	switch v {
	case Five9:
		o.Grain, o.Reasons = time.Second, [2]string{"Break", "Meal"}
	case IService:
		o.Patience = 3 * time.Hour
	}
	return simulator.NewDay(o)
}

// DayOf is the number of the day that an instant lies in; it may be outside the centre's days.
func (c *Centre) DayOf(t time.Time) int {
	n := int(t.Sub(c.From).Hours() / 24)
	for t.Before(c.From.AddDate(0, 0, n)) {
		n--
	}
	for !t.Before(c.From.AddDate(0, 0, n+1)) {
		n++
	}
	return n
}

// Visits hands over the contacts that were offered in [from, to) at a vendor, in that order within a day.
func (c *Centre) Visits(v Vendor, from, to time.Time, each func(*simulator.Day, *simulator.Contact) (more bool)) {
	for n := max(c.DayOf(from)-1, 0); n < c.Days && c.From.AddDate(0, 0, n).Before(to); n++ {
		d := c.Day(v, n)
		if d == nil {
			return
		}
		first := from.Sub(d.Date).Milliseconds()
		at, _ := slices.BinarySearchFunc(d.Contacts, first, func(c *simulator.Contact, at int64) int { return int(max(-1, min(1, c.Offered-at))) })
		for _, contact := range d.Contacts[at:] {
			if !d.At(contact.Offered).Before(to) {
				break
			}
			if !each(d, contact) {
				return
			}
		}
	}
}

// Truth is what the interval tables of one source each must say of the vendors, for the rows that end at or before an instant.
// Rules.Messaging is set for iService by itself.
func (c *Centre) Truth(r simulator.Rules, through time.Time, vendors ...Vendor) simulator.Truth {
	var t simulator.Truth
	for _, v := range vendors {
		r.Messaging = v == IService
		for n := range c.Days {
			if d := c.Day(v, n); d != nil && d.Date.Before(through) {
				t.Add(d.Truth(r))
			}
		}
	}
	t.Through(through, r.Interval)
	return t
}
