package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

func TestSleepTakesTheBubblesTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := clock.Now()
		if err := clock.Sleep(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		if got := clock.Since(start); got != time.Hour {
			t.Errorf("slept %v, want 1h", got)
		}
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := clock.Now()
		if err := clock.Sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
		if got := clock.Since(start); got != time.Second {
			t.Errorf("slept %v, want 1s", got)
		}
		if err := clock.Sleep(ctx, 0); err == nil {
			t.Error("no error from an ended context")
		}
	})
}

func TestFixed(t *testing.T) {
	at := time.Date(1999, 2, 1, 8, 0, 0, 0, time.UTC)
	if got := clock.Fixed(at).Milliseconds(); got != at.UnixMilli() {
		t.Errorf("%d, want %d", got, at.UnixMilli())
	}
}
