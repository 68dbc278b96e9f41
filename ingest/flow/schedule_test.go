package flow

import (
	"strings"
	"testing"
	"time"
)

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestWhenAFlowIsDue(t *testing.T) {
	const layout = "2006-01-02 15:04:05 MST"
	f := func(s Schedule, ended string, jitter time.Duration, want ...string) {
		t.Helper()
		zone := s.Zone
		if zone == nil {
			zone = time.UTC
		}
		at, err := time.Parse(time.RFC3339, ended)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			due := s.next(at, at, jitter)
			if got := due.In(zone).Format(layout); got != w {
				t.Errorf("%+v after %s: %s, want %s", s, at.In(zone).Format(layout), got, w)
			}
			if !due.After(at) {
				t.Fatalf("%+v after %s is due at %s", s, at, due)
			}
			at = due
		}
	}
	// every quarter-hour by the clock
	f(Schedule{Every: 15 * time.Minute}, "2026-03-02T08:00:00Z", 0, "2026-03-02 08:15:00 UTC", "2026-03-02 08:30:00 UTC")
	f(Schedule{Every: 15 * time.Minute, Align: 2 * time.Minute}, "2026-03-02T08:01:00Z", 0, "2026-03-02 08:02:00 UTC", "2026-03-02 08:17:00 UTC")
	f(Schedule{Every: 15 * time.Minute}, "2026-03-02T08:00:05Z", 20*time.Second, "2026-03-02 08:00:20 UTC", "2026-03-02 08:15:20 UTC")
	// in a zone with quarter-hours of its own
	kathmandu := zoneOf(t, "Asia/Kathmandu")
	f(Schedule{Every: time.Hour, Zone: kathmandu}, "2026-03-02T08:00:00Z", 0, "2026-03-02 14:00:00 +0545", "2026-03-02 15:00:00 +0545")
	// once a day, also on the days of 23 and 25 hours
	berlin := zoneOf(t, "Europe/Berlin")
	f(Schedule{Every: 24 * time.Hour, Align: 150 * time.Minute, Zone: berlin}, "2026-03-28T12:00:00Z", 0,
		"2026-03-29 03:30:00 CEST", "2026-03-30 02:30:00 CEST") // there is no half past two
	f(Schedule{Every: 24 * time.Hour, Align: 5 * time.Hour, Zone: berlin}, "2026-10-24T12:00:00Z", 0, "2026-10-25 05:00:00 CET", "2026-10-26 05:00:00 CET")
	f(Schedule{Every: 6 * time.Hour, Zone: berlin}, "2026-10-24T12:00:00Z", 0,
		"2026-10-24 18:00:00 CEST", "2026-10-25 00:00:00 CEST", "2026-10-25 06:00:00 CET")
	// the hour that comes twice
	f(Schedule{Every: 30 * time.Minute, Zone: berlin}, "2026-10-25T00:10:00Z", 0,
		"2026-10-25 02:30:00 CEST", "2026-10-25 02:00:00 CET", "2026-10-25 02:30:00 CET", "2026-10-25 03:00:00 CET")
	// not by the clock
	f(Schedule{Every: 7 * time.Minute, Align: -1}, "2026-03-02T08:01:30Z", 0, "2026-03-02 08:08:30 UTC", "2026-03-02 08:15:30 UTC")
	// a length that the day is no multiple of
	f(Schedule{Every: 7 * time.Hour}, "2026-03-02T08:00:00Z", 0, "2026-03-02 14:00:00 UTC", "2026-03-02 21:00:00 UTC", "2026-03-03 04:00:00 UTC")
	// cron
	f(Schedule{Cron: "*/20 8-17 * * 1-5", Zone: berlin}, "2026-03-06T16:35:00Z", 0, "2026-03-06 17:40:00 CET", "2026-03-09 08:00:00 CET")
	f(Schedule{Cron: "0 6 * * *"}, "2026-03-06T06:00:10Z", 30*time.Second, "2026-03-06 06:00:30 UTC", "2026-03-07 06:00:30 UTC")
}

func TestAReadThatTookLongIsNotMadeUpFor(t *testing.T) {
	began := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	ended := began.Add(40 * time.Minute)
	if got := (Schedule{Every: 15 * time.Minute}).next(began, ended, 0); !got.Equal(began.Add(45 * time.Minute)) {
		t.Errorf("due at %s", got)
	}
	if got := (Schedule{Every: 15 * time.Minute, Align: -1}).next(began, ended, 0); !got.Equal(ended) {
		t.Errorf("due at %s", got)
	}
}

func TestJitterIsStable(t *testing.T) {
	s := Schedule{Every: time.Hour, Jitter: time.Minute}
	a, b := s.jitterOf("p/five9/calls"), s.jitterOf("p/five9/states")
	if a == b || a != s.jitterOf("p/five9/calls") || a < 0 || a >= time.Minute || (Schedule{}).jitterOf("x") != 0 {
		t.Errorf("%v, %v", a, b)
	}
}

func TestSchedulesThatAreNone(t *testing.T) {
	f := func(s Schedule, wanted string) {
		t.Helper()
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("%+v: error %v", s, err)
		}
	}
	f(Schedule{Every: -1}, "longer than nothing")
	f(Schedule{Every: time.Hour, Cron: "* * * * *"}, "leave one out")
	f(Schedule{Cron: "* * * *"}, "five fields")
	f(Schedule{Cron: "0 25 * * *"}, "five fields")
	f(Schedule{Every: time.Hour, Jitter: -1}, "not negative")
	if err := (Schedule{}).Check(); err != nil {
		t.Error(err)
	}
}
