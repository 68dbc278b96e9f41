package clock_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

func TestProcessesAgreeOnAFastClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown, at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), clock.Now()
		w, err := clock.ParseFast(clock.FormatFast(shown, at, 60))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Sleep(t.Context(), 2*time.Hour); err != nil {
			t.Fatal(err)
		}
		if gone := clock.Since(at); gone != 2*time.Minute {
			t.Errorf("2 h took %v of the machine's time, want 2m", gone)
		}
		if got := w.Now(); !got.Equal(shown.Add(2 * time.Hour)) {
			t.Errorf("it shows %v", got)
		}
		if got := clock.Machine(w, w.Now()); !got.Equal(clock.Now()) {
			t.Errorf("by the machine's clock that is %v", got)
		}
		if got := clock.Machine(clock.Wall, shown); !got.Equal(shown) {
			t.Errorf("the wall clock is the machine's, not %v", got)
		}
	})
}

func TestAClockThatIsNoneIsRefused(t *testing.T) {
	if w, err := clock.ParseFast(""); err != nil || w != clock.Wall {
		t.Errorf("%v, %v", w, err)
	}
	for _, value := range []string{"x", "2026-03-02T08:00:00Z,2026-03-02T08:00:00Z", "2026-03-02,2026-03-02T08:00:00Z,2",
		"2026-03-02T08:00:00Z,now,2", "2026-03-02T08:00:00Z,2026-03-02T08:00:00Z,0", "2026-03-02T08:00:00Z,2026-03-02T08:00:00Z,NaN",
		"2026-03-02T08:00:00Z,2026-03-02T08:00:00Z,-3", "2026-03-02T08:00:00Z,2026-03-02T08:00:00Z,1e9"} {
		if _, err := clock.ParseFast(value); err == nil || !strings.Contains(err.Error(), clock.FastVariable) {
			t.Errorf("%q: error %v", value, err)
		}
	}
}
