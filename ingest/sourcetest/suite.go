package sourcetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// Run puts a source through the suite.
func Run(t *testing.T, c Case) {
	t.Helper()
	if c.Stops == 0 {
		c.Stops = 12
	}
	if c.Within == 0 {
		c.Within = 15 * time.Second
	}
	if c.Survives == nil {
		c.Survives = Faults
	}
	whole := newWorld(t, &c)
	whole.finish(t)
	whole.check(t)
	want := whole.log.Table()
	if len(want) == 0 && !c.Idle {
		t.Fatalf("the source handed over nothing; it said:\n%s", whole.said)
	}
	t.Run("again", func(t *testing.T) { again(t, whole, want) })
	t.Run("twice", func(t *testing.T) { twice(t, &c, want) })
	t.Run("killed", func(t *testing.T) { killed(t, &c, whole, want) })
	t.Run("faults", func(t *testing.T) { faults(t, &c, whole, want) })
	t.Run("told to stop", func(t *testing.T) { stopped(t, &c) })
}

// again reads once more from where the source stopped: nothing changes.
func again(t *testing.T, w *world, want []string) {
	w.finish(t)
	w.check(t)
	w.same(t, want)
}

// twice reads from scratch: it is the same.
func twice(t *testing.T, c *Case, want []string) {
	w := newWorld(t, c)
	w.finish(t)
	w.check(t)
	w.same(t, want)
}

// killed kills the source between facts and cursor at each commit, and in the middle of its facts, and goes on from the cursor.
func killed(t *testing.T, c *Case, whole *world, want []string) {
	for n := range min(c.Stops, whole.log.commits) {
		t.Run(fmt.Sprintf("before cursor %d", n+1), func(t *testing.T) {
			w := newWorld(t, c)
			w.killed(t, func(l *Log) { l.dieAt = n*max(1, whole.log.commits/c.Stops) + 1 })
			w.same(t, want)
		})
	}
	for n := range min(c.Stops, whole.log.handed) {
		at := n*max(1, whole.log.handed/c.Stops) + 1
		t.Run(fmt.Sprintf("at fact %d", at), func(t *testing.T) {
			w := newWorld(t, c)
			w.killed(t, func(l *Log) { l.stopAt = at })
			w.same(t, want)
		})
	}
}

func (w *world) killed(t *testing.T, plan func(*Log)) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	w.log.stop = stop
	plan(w.log)
	_ = w.run(ctx, t, true) // how it ends is of no interest: it is dead
	w.log.Crash()
	w.finish(t)
	w.check(t)
}

// faults lets one request in turn meet each fault.
func faults(t *testing.T, c *Case, whole *world, want []string) {
	requests := whole.way.requests
	for _, f := range c.Survives {
		for at := 1; at <= requests; at += max(1, requests/4) {
			t.Run(fmt.Sprintf("%s at request %d", f, at), func(t *testing.T) {
				w := newWorld(t, c)
				w.way.fault, w.way.at = f, at
				w.finish(t)
				w.check(t)
				w.same(t, want)
			})
		}
	}
}

// stopped tells the source to stop while the vendor says nothing, and while it waits for its next read.
func stopped(t *testing.T, c *Case) {
	f := func(name string, fault Fault) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c)
			w.way.fault = fault
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := make(chan error, 1)
			go func() { done <- w.run(ctx, t, false) }()
			select {
			case <-w.way.waiting:
			case <-time.After(500 * time.Millisecond):
			case err := <-done:
				if err != nil {
					t.Errorf("it ended by itself: %v", err)
				}
				return
			}
			stop()
			began := clock.Now()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("it was told to stop and returned %v, want nil", err)
				}
			case <-time.After(c.Within):
				t.Fatalf("it goes on %s after it was told to stop", clock.Since(began))
			}
			w.check(t)
		})
	}
	f("between reads", none)
	if len(c.Survives) > 0 {
		f("while the vendor is silent", Silent)
	}
}

// check says what the source did that none may.
func (w *world) check(t *testing.T) {
	t.Helper()
	for _, p := range w.log.Problems() {
		t.Error(p)
	}
	shown := map[string]string{"the log": w.said.String(), "the cursor": string(w.log.cursor)}
	for i, err := range w.errors {
		shown[fmt.Sprintf("error %d", i)] = err.Error()
	}
	for i, d := range w.log.Dead {
		shown[fmt.Sprintf("dead letter %d", i)] = d.Detail + " " + d.Location + " " + string(d.Payload)
	}
	w.store.mu.Lock()
	for key, value := range w.store.by {
		shown["what is stored of "+key] = string(value)
	}
	w.store.mu.Unlock()
	for where, text := range shown {
		for _, secret := range w.c.Secrets {
			if strings.Contains(text, secret) {
				t.Errorf("a secret shows in %s: %.300s", where, text)
			}
		}
	}
}

// same says where the log differs from the undisturbed one. What happened after that one ended is left out by the vendor, or is the
// same.
func (w *world) same(t *testing.T, want []string) {
	t.Helper()
	if d := cmp.Diff(want, w.log.Table()); d != "" {
		t.Errorf("not what an undisturbed source reads (-want +got):\n%.4000s\nit said:\n%.2000s", d, w.said)
	}
}
