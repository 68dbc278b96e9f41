package centre

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/simulator"
)

var rules = simulator.Rules{Interval: 15 * time.Minute, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}

func small(t *testing.T, zone string, seed uint64) *Centre {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{Seed: seed, From: time.Date(2026, 10, 30, 0, 0, 0, 0, z), Days: 3, Sizes: map[Vendor]Size{
		Five9: {8, 3, 120}, Gladly: {5, 2, 60}, IService: {3, 2, 40},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSameSeedSameCentre(t *testing.T) {
	a, b, other := small(t, "America/Los_Angeles", 1), small(t, "America/Los_Angeles", 1), small(t, "America/Los_Angeles", 2)
	b.Truth(rules, b.Until(), IService, Gladly) // in another order
	want := a.Truth(rules, a.Until(), Vendors...)
	if diff := cmp.Diff(want, b.Truth(rules, b.Until(), Vendors...)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(want, other.Truth(rules, a.Until(), Vendors...)) {
		t.Error("another seed gave the same truth")
	}
	if a.Slug("x", "y") != b.Slug("x", "y") || a.Slug("x", "y") == a.Slug("x", "z") || len(a.Slug("x")) != 22 {
		t.Error("slugs must depend on seed and words alone")
	}
}

func TestPeopleHaveSomeOfAllTroubles(t *testing.T) {
	c, err := New(Options{Seed: 1, From: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	var both, spelled, aliased, shared, private, left int
	ids := map[string]bool{}
	for _, v := range Vendors {
		for _, a := range c.Accounts(v) {
			if key := string(v) + a.ID; ids[key] {
				t.Errorf("two accounts %q", key)
			} else {
				ids[key] = true
			}
			switch {
			case a.Email == SharedEmail:
				shared++
			case a.Email == PrivateEmail:
				private++
			case a.Email == a.Aliases[0]:
				aliased++
			case a.Email != a.Person.Email && strings.EqualFold(a.Email, a.Person.Email):
				spelled++
			}
			if !a.Active {
				left++
			}
		}
	}
	for _, p := range c.People() {
		if len(p.Accounts) > 1 {
			both++
		}
	}
	if both < 3 || spelled < 5 || aliased < 1 || shared != 2 || private != 1 || left != 3 {
		t.Errorf("both %d, other spelling %d, alias %d, shared %d, private %d, left %d", both, spelled, aliased, shared, private, left)
	}
}

// Days of one vendor never share a contact, and Five9's whole seconds are whole.
func TestVisits(t *testing.T) {
	c := small(t, "Europe/Berlin", 3)
	seen, count := map[string]bool{}, 0
	last := time.Time{}
	c.Visits(Five9, c.From, c.Until().AddDate(0, 0, 2), func(d *simulator.Day, v *simulator.Contact) bool {
		key := v.Interaction + "#" + string(rune('0'+v.Segment))
		if seen[key] {
			t.Errorf("contact %q twice", key)
		}
		seen[key] = true
		count++
		if at := d.At(v.Offered); at.Before(last) {
			t.Errorf("%q is out of order", key)
		} else {
			last = at
		}
		for _, ms := range []int64{v.Offered, v.Answered, v.WrapEnd, v.Ended, v.Hold} {
			if ms >= 0 && ms%1000 != 0 {
				t.Errorf("%q has an instant of %d ms", key, ms)
			}
		}
		return true
	})
	var all int
	for n := range c.Days {
		all += len(c.Day(Five9, n).Contacts)
	}
	if count != all || all < 300 {
		t.Errorf("%d visits of %d", count, all)
	}
}

func TestDayOf(t *testing.T) {
	c := small(t, "America/Los_Angeles", 1) // clocks go back on the third day
	f := func(at string, want int) {
		t.Helper()
		when, err := time.ParseInLocation("2006-01-02 15:04", at, c.Zone())
		if err != nil {
			t.Fatal(err)
		}
		if got := c.DayOf(when); got != want {
			t.Errorf("%s is on day %d, want %d", at, got, want)
		}
	}
	f("2026-10-29 23:59", -1)
	f("2026-10-30 00:00", 0)
	f("2026-11-01 23:59", 2)
	f("2026-11-02 00:00", 3)
}
