package gladly

import (
	"testing"
	"time"
)

// Requests that left in one minute may arrive in the next: within the jitter they are no violation, and one more is.
func TestWindow(t *testing.T) {
	minute := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	take := func(w *window, at time.Duration) bool {
		_, ok := w.take(minute.Add(at), time.Minute, 5*time.Second, 10)
		return ok
	}
	f := func(what string, before, at time.Duration, want int) {
		t.Helper()
		w := &window{}
		for range 8 {
			take(w, before)
		}
		n := 0
		for range 20 {
			if take(w, at) {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: %d of 20 were allowed, want %d", what, n, want)
		}
	}
	f("in the same minute", -10*time.Second, -5*time.Second, 2)
	f("just after it", -10*time.Second, 4*time.Second, 12)
	f("later", -10*time.Second, 6*time.Second, 10)
	f("two minutes later", -70*time.Second, 0, 20) // the minute between was empty
}
