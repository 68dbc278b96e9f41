package simulator

import (
	"maps"
	"slices"
	"testing"
	"time"
)

func demoDay(t *testing.T) *Day {
	t.Helper()
	o, err := DefaultOptions()
	if err != nil {
		t.Fatal(err)
	}
	return NewDay(o)
}

func TestDayHasTheSizePromised(t *testing.T) {
	d := demoDay(t)
	r := d.Exports().Report()
	t.Logf("%+v", r)
	if r.Contacts < 14_000 || r.Contacts > 17_000 || r.States < 25_000 || r.States > 45_000 {
		t.Errorf("a day of about 15,000 contacts and 30,000 state changes has %d and %d", r.Contacts, r.States)
	}
	if min(r.Late, r.Duplicated, r.Corrected) < 500 || r.Withdrawn < 10 {
		t.Errorf("too few faults: %+v", r)
	}
}

func TestSameSeedSameDay(t *testing.T) {
	rules := Rules{Interval: 15 * time.Minute, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}
	a, b := demoDay(t).Truth(rules), demoDay(t).Truth(rules)
	if !maps.EqualFunc(a.Queues, b.Queues, maps.Equal) || !maps.EqualFunc(a.Agents, b.Agents, maps.Equal) {
		t.Error("two days of one seed differ")
	}
}

func TestStatesFollowEachOtherAndEndLoggedOut(t *testing.T) {
	for _, a := range demoDay(t).Agents {
		if !slices.IsSortedFunc(a.States, func(x, y State) int { return int(x.At - y.At) }) {
			t.Errorf("agent %s: states out of order", a.ID)
		}
		if last := a.States[len(a.States)-1]; last.State != "logged_out" {
			t.Errorf("agent %s ends the day %q", a.ID, last.State)
		}
	}
}

// What the truth says must add up to what happened, whatever the interval.
func TestTruthSumsToTheDay(t *testing.T) {
	d := demoDay(t)
	var talk, login int64
	offered := 0
	for _, c := range d.Contacts {
		if c.Answered >= 0 && c.Queue >= 0 {
			talk += c.Ended - c.Answered
		}
		if c.Direction == "inbound" {
			offered++
		}
	}
	for _, a := range d.Agents {
		login += a.to - a.from
	}
	for _, size := range []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour} {
		truth := d.Truth(Rules{Interval: size, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second})
		var gotTalk, gotLogin, gotOffered int64
		for _, m := range truth.Queues {
			gotTalk += m["contact_ms"]
			gotOffered += m["offered"]
		}
		for _, m := range truth.Agents {
			gotLogin += m["login_ms"]
		}
		if gotTalk != talk || gotLogin != login || gotOffered != int64(offered) {
			t.Errorf("%s: contact %d of %d ms, login %d of %d ms, offered %d of %d", size, gotTalk, talk, gotLogin, login, gotOffered, offered)
		}
	}
}

// Days of real systems have their own names, and instants as coarse as the system's.
func TestDaysOfSystems(t *testing.T) {
	o := Options{
		Date: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Seed: 3, Contacts: 200, Grain: time.Second, Prefix: "4", Reasons: [2]string{"Coffee", "Meal"},
		Lines:  []Queue{{"Chat", "Chat", "chat"}, {"Text", "Text", "sms"}},
		People: []Named{{"x", "Xenia"}, {"y", "Yuri"}},
	}
	d := NewDay(o)
	reasons, answered := map[string]bool{}, 0
	for i, a := range d.Agents {
		if a.ID != o.People[i].ID || a.Name != o.People[i].Name || !a.Digital() {
			t.Errorf("agent %+v", *a)
		}
		for _, s := range a.States {
			if s.At%second != 0 {
				t.Errorf("%s enters a state at %d ms", a.ID, s.At)
			}
			if s.Reason != "" {
				reasons[s.Reason] = true
			}
		}
	}
	for _, c := range d.Contacts {
		if c.Answered >= 0 {
			answered++
		}
		if c.Interaction[:2] != "4i" || max(c.Offered, 0)%second+max(c.Answered, 0)%second+max(c.Ended, 0)%second+max(c.WrapEnd, 0)%second != 0 {
			t.Errorf("contact %+v", *c)
		}
	}
	if len(d.Agents) != 2 || answered < 20 || !maps.Equal(reasons, map[string]bool{"Coffee": true, "Meal": true}) {
		t.Errorf("%d agents answered %d, reasons %v", len(d.Agents), answered, reasons)
	}
}
