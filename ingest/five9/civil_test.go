package five9

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCivilTime(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		ms, err := civilTime(text)
		got := "no time"
		if err == nil {
			got = time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999")
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	f("Fri, 21 Aug 2026 09:00:12", "2026-08-21T09:00:12")
	f("Mon, 2 Mar 2026 09:03:10", "2026-03-02T09:03:10")
	f("Mon, 02 Mar 2026 09:03:10", "2026-03-02T09:03:10")
	f(" Monday, 2 March 2026 9:03:10 ", "2026-03-02T09:03:10")
	f("2 Mar 2026 09:03:10", "2026-03-02T09:03:10")
	f("2026-03-02 09:03:10", "2026-03-02T09:03:10")
	f("2026-03-02T09:03:10", "2026-03-02T09:03:10")
	f("2026/03/02 09:03:10", "2026-03-02T09:03:10")
	f("2026/03/02 09:03", "2026-03-02T09:03:00")
	f("2026-03-02 09:03:10.235", "2026-03-02T09:03:10.235")
	f("2026-03-02 9:03:10 PM", "2026-03-02T21:03:10")
	f("2026-03-02 12:03:10 AM", "2026-03-02T00:03:10")
	f("2024-02-29 23:59:60", "2024-03-01T00:00:00")
	f("2026-02-29 09:03:10", "no time")
	f("2026-13-02 09:03:10", "no time")
	f("2026-03-02 24:00:00", "no time")
	f("2026-03-02", "no time")
	f("03/02/2026 09:03:10", "no time") // day or month first: nobody knows
	f("Mon, 2 Mrz 2026 09:03:10", "no time")
	f("Mon, 2 Mar 26 09:03:10", "no time")
	f("Mon, 2 Mar 2026 09:03:10 PST", "no time")
	f("2026-03-02 13:03:10 PM", "no time")
	f("", "no time")
	f("[None]", "no time")
}

// Every time that the vendor can write is read as what it is.
func TestCivilTimeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 4_000_000_000).Draw(t, "seconds"), 0).UTC()
		for _, layout := range []string{"Mon, 2 Jan 2006 15:04:05", "Mon, 02 Jan 2006 15:04:05", "2006-01-02 15:04:05", "2006/01/02 15:04:05", "2006-01-02 3:04:05 PM"} {
			if got, err := civilTime(at.Format(layout)); err != nil || got != at.UnixMilli() {
				t.Fatalf("%q: %d, %v, want %d", at.Format(layout), got, err, at.UnixMilli())
			}
		}
	})
}

func TestDuration(t *testing.T) {
	f := func(text string, want int64, ok bool) {
		t.Helper()
		if got, err := duration(text); got != want && ok || (err == nil) != ok {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	f("00:00:00", 0, true)
	f("", 0, true)
	f("00:12:04", 724_000, true)
	f("27:15:00", 98_100_000, true)
	f("123:00:00", 442_800_000, true)
	f("00:00:00.235", 235, true)
	f("00:00:01.5", 1_500, true)
	f("1:02", 62_000, true)
	f("70", 70_000, true)
	f("-00:00:05", -5_000, true)
	f("00:61:00", 0, false)
	f("1:2:3", 0, false)
	f("soon", 0, false)
	f("00:00:00 ", 0, true)
	f("00:00:00.", 0, false)
	f("01:02:03:04", 0, false)
}

func FuzzCivilTime(f *testing.F) {
	f.Add("Fri, 21 Aug 2026 09:00:12")
	f.Add("2026/03/02 9:03:10.5 PM")
	f.Fuzz(func(t *testing.T, s string) {
		ms, err := civilTime(s)
		if err == nil && (ms < -62_135_596_800_000 || ms > 253_402_300_800_000) {
			t.Errorf("%q is %d, outside of the years 1 to 9999", s, ms)
		}
	})
}

func FuzzDuration(f *testing.F) {
	f.Add("27:15:00.235")
	f.Fuzz(func(t *testing.T, s string) {
		ms, err := duration(s)
		if err == nil && (ms > 1e9*3_600_000 || ms < -1e9*3_600_000) {
			t.Errorf("%q is %d ms", s, ms)
		}
	})
}

// Of the two instants of a repeated clock time the one in the window is meant; with windows split at the change every instant comes
// back, in zones of all kinds.
func TestZone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"America/Los_Angeles", "Europe/London", "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo"}).Draw(t, "zone")
		l, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Unix(rapid.Int64Range(1_000_000_000, 1_900_000_000).Draw(t, "from"), 0).UTC()
		if rapid.Bool().Draw(t, "near a change") {
			if change, _ := nextChange(from, l); !change.IsZero() {
				from = change.Add(-time.Duration(rapid.Int64Range(0, 4*3600).Draw(t, "before")) * time.Second)
			}
		}
		to := from.Add(time.Duration(rapid.Int64Range(1, 48*3600).Draw(t, "length")) * time.Second)
		z := newZone(l)
		var end time.Time
		for i, w := range pieces(from, to, l) {
			if i > 0 && !w.from.Equal(end) || i == 0 && !w.from.Equal(from) {
				t.Fatalf("a piece begins at %s, not where the last ended", w.from)
			}
			end = w.to
			for range 20 {
				at := w.from.Unix() + rapid.Int64Range(0, int64(w.to.Sub(w.from)/time.Second)-1).Draw(t, "at")
				civil, err := civilTime(time.Unix(at, 0).In(l).Format("Mon, 2 Jan 2006 15:04:05"))
				if err != nil {
					t.Fatal(err)
				}
				if got := z.within(civil, w.from.UnixMilli(), w.to.UnixMilli()); got != at*1000 {
					t.Fatalf("%s in %s to %s is read as %s", time.Unix(at, 0).UTC(), w.from, w.to, time.UnixMilli(got).UTC())
				}
			}
		}
		if !end.Equal(to) {
			t.Fatalf("the pieces end at %s, not %s", end, to)
		}
	})
}

// A time that the clocks skip is moved forward.
func TestSkipped(t *testing.T) {
	l, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	civil, err := civilTime("2026-03-08 02:30:00")
	if err != nil {
		t.Fatal(err)
	}
	if got := time.UnixMilli(newZone(l).within(civil, 0, 1)).In(l).Format(time.DateTime); got != "2026-03-08 03:30:00" {
		t.Error(got)
	}
}
