package horizon

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/internal/clock"
)

const day = 24 * time.Hour

var noon = time.Date(2026, time.March, 29, 12, 0, 0, 0, time.UTC)

func TestOver(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(0, 3*day, berlin, clock.Fast(noon, clock.Now(), 1)) // 10 days, that is from 19 March, 12:00 UTC
	if err != nil {
		t.Fatal(err)
	}
	long := clock.Now().Add(-8 * day)
	f := func(day string, written time.Time, want bool) {
		t.Helper()
		if got := h.Over(day, written); got != want {
			t.Errorf("%s, written %s: %t", day, written, got)
		}
	}
	f("2026-03-17", long, true)
	f("2026-03-18", long, true)
	f("2026-03-19", long, false) // part of it may be corrected
	f("2026-03-29", long, false)
	f("2026-04-19", long, false)
	f("2025-03-17", clock.Now().Add(-6*day), false) // a history that is being read
	f("draft", long, false)
	f("", long, false)
	if got := h.Day(time.Date(2026, 3, 18, 23, 0, 0, 0, time.UTC).UnixMilli()); got != "2026-03-19" {
		t.Error(got)
	}
}

func TestNew(t *testing.T) {
	f := func(keep, retention, want time.Duration) {
		t.Helper()
		h, err := New(keep, retention, time.UTC, clock.Wall)
		if err != nil || h.keep != want {
			t.Errorf("%s and %s: %v, %v", keep, retention, h, err)
		}
	}
	f(0, 35*day, 42*day)
	f(100*day, 35*day, 100*day)
	f(35*day, 35*day, 35*day)
	f(0, 0, 0)
	if _, err := New(34*day, 35*day, time.UTC, clock.Wall); err == nil || !strings.Contains(err.Error(), "less than the pipeline's retention") {
		t.Errorf("error %v", err)
	}
}

// A look an hour, and none where everything is remembered.
func TestDue(t *testing.T) {
	w := &still{noon}
	h, err := New(0, 35*day, time.UTC, w)
	if err != nil {
		t.Fatal(err)
	}
	var got []bool
	for range 3 {
		got = append(got, h.Due(), h.Due())
		w.Time = w.Add(40 * time.Minute)
	}
	if diff := cmp.Diff([]bool{true, false, false, false, true, false}, got); diff != "" {
		t.Error(diff)
	}
	h, err = New(0, 0, time.UTC, w)
	if err != nil || h.Due() || h.Behind(0) || h.Over("1999-01-01", noon.AddDate(-10, 0, 0)) {
		t.Errorf("something is to be forgotten (%v)", err)
	}
}

type still struct{ time.Time }

func (s *still) Now() time.Time { return s.Time }

func (s *still) Sleep(context.Context, time.Duration) error { return nil }

// Days are forgotten that were said to be, whatever the order, and no others; days in a row take the place of two.
func TestForgotten(t *testing.T) {
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		dir := filepath.Join(base, string(rune('a'+n%26)), time.Duration(n).String())
		if err := os.MkdirAll(dir, 0o750); err != nil {
			rt.Fatal(err)
		}
		name := func(n int) string { return noon.AddDate(0, 0, n).Format(time.DateOnly) }
		want := map[string]bool{}
		for _, some := range rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 40), 1, 4), 1, 3).Draw(rt, "days") {
			f, err := Load(dir)
			if err != nil {
				rt.Fatal(err)
			}
			var days []string
			for _, d := range some {
				days = append(days, name(d))
				want[name(d)] = true
			}
			if err := f.Add(dir, days...); err != nil {
				rt.Fatal(err)
			}
		}
		f, err := Load(dir)
		if err != nil {
			rt.Fatal(err)
		}
		stretches := 0
		for d := -1; d < 42; d++ {
			if f.Has(name(d)) != want[name(d)] {
				rt.Errorf("%s is forgotten: %t; %v", name(d), f.Has(name(d)), f)
			}
			if want[name(d)] && !want[name(d-1)] {
				stretches++
			}
		}
		if len(f) != stretches {
			rt.Errorf("%d stretches, not %d: %v", len(f), stretches, f)
		}
	})
}

// Ten years of days take no more than one day does.
func TestTenYears(t *testing.T) {
	dir := t.TempDir()
	for _, n := range rand.New(rand.NewPCG(1, 2)).Perm(40) {
		f, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		var days []string
		for d := range 92 {
			days = append(days, noon.AddDate(0, 0, 92*n+d).Format(time.DateOnly))
		}
		if err := f.Add(dir, days...); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, fileName)); err != nil || info.Size() > 40 {
		t.Errorf("%v (%v)", info, err)
	}
}

func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	if f, err := Load(dir); err != nil || f.Has("2026-03-29") {
		t.Errorf("%v (%v)", f, err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileName), []byte(`[["2026`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
	if err := (Forgotten{}).Add(filepath.Join(dir, "none"), "2026-03-29"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
