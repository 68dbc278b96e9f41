package weektest

import (
	"cmp"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/five9"
	"github.com/quarterhour/quarterhour/internal/simulator/vendors"
)

// speedVariable asks for the whole week, at so many times real speed: 100 takes 100 minutes. Without it there is a day.
// fromVariable is the week's first day, as 2026-10-26: by default a Monday whose Sunday has 23 hours in Los Angeles.
const (
	speedVariable = "WEEKTEST_SPEED"
	fromVariable  = "WEEKTEST_FROM"
)

func midnight(t *testing.T, day string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation(time.DateOnly, day, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestADay(t *testing.T) {
	from := midnight(t, "2026-03-02")
	w := newWorld(t, options{from: from, days: 1, agents: 30, speed: 900})
	at := func(hour, minute int) time.Time {
		return from.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
	}
	w.fail(centre.Five9, vendors.Unavailable, at(9, 0), at(10, 0))
	w.fail(centre.Gladly, vendors.Refused, at(11, 10), at(11, 40))
	w.fail(centre.Gladly, vendors.Unheard, at(12, 0), at(16, 0))
	w.fail(centre.IService, vendors.Unavailable, at(12, 30), at(13, 0))
	w.live([]time.Time{at(10, 30), at(13, 50), at(17, 5)}, 20*time.Minute, w.centre.Until())
}

func TestAWeek(t *testing.T) {
	speed, err := strconv.ParseFloat(os.Getenv(speedVariable), 64)
	if err != nil {
		t.Skipf("takes minutes: set %s to how many times real speed", speedVariable)
	}
	from := midnight(t, cmp.Or(os.Getenv(fromVariable), "2026-03-02"))
	w := newWorld(t, options{from: from, days: 7, agents: 66, speed: speed})
	at := func(day, hour, minute int) time.Time {
		return time.Date(from.Year(), from.Month(), from.Day()+day, hour, minute, 0, 0, from.Location())
	}
	w.fail(centre.Five9, vendors.Unavailable, at(0, 9, 0), at(0, 15, 0))
	w.fail(centre.IService, vendors.Refused, at(0, 10, 0), at(0, 12, 0))
	w.fail(centre.Gladly, vendors.Unheard, at(1, 8, 0), at(2, 8, 0)) // the webhook is disabled after an hour, and stays so for a day
	w.fail(centre.Gladly, vendors.Unavailable, at(3, 7, 0), at(4, 11, 0))
	w.fail(centre.Five9, vendors.Refused, at(5, 12, 0), at(5, 12, 30))
	// On Wednesday the vendor allows so few reports that they are spent before noon, and on Thursday it relents.
	go func() {
		few := []five9.Limit{{Operation: "Query", Minute: 450, Hour: 15_000, Day: 172_800}, {Operation: "ReportRequest", Minute: 4, Hour: 20, Day: 170},
			{Operation: "RetrieveReport", Minute: 20, Hour: 200, Day: 1_000}}
		if w.watch.Sleep(t.Context(), at(2, 0, 0).Sub(w.watch.Now())) == nil {
			w.vendors.Five9.SetLimits(few...)
		}
		if w.watch.Sleep(t.Context(), at(3, 0, 0).Sub(w.watch.Now())) == nil {
			w.vendors.Five9.SetLimits(five9.DefaultLimits()...)
		}
	}()
	w.live([]time.Time{at(0, 14, 0), at(2, 10, 30), at(4, 9, 0)}, time.Hour, w.centre.Until())
}

func (w *world) fail(v centre.Vendor, how string, from, to time.Time) {
	w.t.Helper()
	if err := w.vendors.Fail(vendors.Outage{Vendor: v, How: how, From: from, To: to}); err != nil {
		w.t.Fatal(err)
	}
}

// live runs the pipelines to the end, kills them at the instants given and starts them again after a while, and compares.
func (w *world) live(kills []time.Time, away time.Duration, until time.Time) {
	w.t.Helper()
	p := w.run()
	for _, at := range kills {
		w.until(p, at)
		p.kill()
		w.until(nil, at.Add(away))
		p = w.run()
	}
	w.until(p, until.Add(settled))
	w.complete(p, until)
	w.delivered(p, until)
	p.stop()
	w.equal(until)
	w.blameless()
	if w.t.Failed() {
		w.t.Logf("the log ends\n%s", w.tail())
	}
}
