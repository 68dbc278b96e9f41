package file

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := func(r *rest, took time.Duration, items int, want time.Duration) {
			t.Helper()
			end := r.begin()
			time.Sleep(took)
			end()
			began := clock.Now()
			if err := r.wait(t.Context(), items); err != nil {
				t.Error(err)
			}
			if got := clock.Since(began); got != want {
				t.Errorf("it rested %s, not %s", got, want)
			}
		}
		r := &rest{watch: clock.Wall, full: 100}
		f(r, 0, 1, 0)
		f(r, time.Second, 1, 4*time.Second)
		f(r, time.Second, 100, 0)
		f(r, time.Hour, 1, time.Minute)
		f(&rest{watch: clock.Wall, full: 100, off: true}, time.Second, 1, 0)
		f(&rest{full: 100}, time.Second, 1, 0)
		r.begin()()
		end := r.begin()
		time.Sleep(time.Second)
		end()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.wait(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}
