package quota

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

func nothing(context.Context) error { return nil }

// day is a limit per day, of one operation.
func day(n int64) Options {
	return Options{Secret: "hunter2", Limits: []Limit{{"call", n, 24 * time.Hour}}}
}

func TestARefusalOutlivesTheProcess(t *testing.T) {
	var log bytes.Buffer
	store, watch := newBooks(), &hand{now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	o := day(10)
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	open := func(secret string) *Credential {
		o.Secret = secret
		return (&Keyring{Store: store, Watch: watch}).Open("vendor/user", o)
	}
	f := func(c *Credential, locked bool) {
		t.Helper()
		called := false
		err := c.Do(t.Context(), "call", func(context.Context) error { called = true; return nil })
		if errors.Is(err, ErrLocked) != locked || called == locked {
			t.Errorf("error %v, called %v; want locked %v", err, called, locked)
		}
	}
	c := open("hunter2")
	f(c, false)
	if err := c.Refused(t.Context(), "401"); err != nil {
		t.Fatal(err)
	}
	f(c, true)
	f(open("hunter2"), true) // a crash loop does not try again
	f(open("correct"), false)
	f(open("hunter2"), false) // the first call with another password wrote down that there is no refusal

	c = open("hunter2")
	if err := c.Refused(t.Context(), "401"); err != nil {
		t.Fatal(err)
	}
	if since, why := c.Locked(); why != "401" || !since.Equal(watch.now) {
		t.Errorf("since %v: %q", since, why)
	}
	value, locked, err := Unlocked(store.by[Key("vendor/user")]) // somebody else unlocks it
	if !locked || err != nil {
		t.Fatal(locked, err)
	}
	store.by[Key("vendor/user")] = value
	f(c, true) // it looks twice a minute
	watch.now = watch.now.Add(time.Minute)
	f(c, false)

	c = open("hunter2")
	if err := c.Refused(t.Context(), "401"); err != nil {
		t.Fatal(err)
	}
	if err := c.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	f(open("hunter2"), false)
	for _, text := range []string{log.String(), string(store.by[Key("vendor/user")])} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "correct") {
			t.Errorf("a secret shows: %s", text)
		}
	}
}

func TestTheVendorsCountersAreBelieved(t *testing.T) {
	watch := &hand{now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	c := (&Keyring{Watch: watch}).Open("x", day(10))
	do := func() error { return c.Do(t.Context(), "call", nothing) }
	if err := do(); err != nil {
		t.Fatal(err)
	}
	c.Spent("call", 24*time.Hour, 6, 7) // others have spent 5, and the vendor allows 7
	if err := do(); err != nil {
		t.Fatal(err)
	}
	var spent *Exhausted
	if err := do(); !errors.As(err, &spent) || !spent.Until.Equal(time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("error %v, want one until midnight", err)
	}
	c.Spent("call", 24*time.Hour, 1, 7) // its day has begun, ours has not: what we spent stays spent
	if u := c.Usage(); len(u) != 1 || u[0].Spent != 2 || u[0].Count != 7 {
		t.Errorf("usage %+v", u)
	}
	c.Spent("upload", time.Hour, 5, 5) // a budget that nobody configured
	if err := c.Do(t.Context(), "upload", nothing); !errors.As(err, &spent) {
		t.Errorf("error %v", err)
	}
}

func TestAHoldIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newBooks()
		open := func() *Credential { return (&Keyring{Store: store}).Open("x", day(10)) }
		c := open()
		f := func(operation string, hold, wait time.Duration) {
			t.Helper()
			c.Hold(operation, clock.Now().Add(hold))
			start := clock.Now()
			err := c.Do(t.Context(), "call", nothing)
			var spent *Exhausted
			switch {
			case wait >= 0 && (err != nil || clock.Since(start) != wait):
				t.Errorf("waited %v, error %v", clock.Since(start), err)
			case wait < 0 && !errors.As(err, &spent):
				t.Errorf("error %v", err)
			}
		}
		f("call", time.Minute, time.Minute)
		f("other", time.Hour, 0)
		f("", 30*time.Second, 30*time.Second) // all operations
		f("call", time.Hour, -1)
		c.Hold("call", clock.Now())
		if err := c.Do(t.Context(), "other", nothing); err == nil {
			t.Error("the hold of the other operation is gone")
		}
	})
}

// What is under way at the end of a stretch may reach the vendor in the next.
func TestACallAcrossMidnightCountsTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := (&Keyring{}).Open("x", day(1))
		_ = clock.Sleep(t.Context(), 24*time.Hour-time.Second)
		err := c.Do(t.Context(), "call", func(ctx context.Context) error { return clock.Sleep(ctx, 2*time.Second) })
		if err != nil {
			t.Fatal(err)
		}
		var spent *Exhausted
		if err := c.Do(t.Context(), "call", nothing); !errors.As(err, &spent) {
			t.Errorf("error %v", err)
		}
	})
}

func TestFewWritesAreNeeded(t *testing.T) {
	store := newBooks()
	c := (&Keyring{Store: store, Watch: &hand{now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}}).Open("x", day(1000))
	for range 1000 {
		if err := c.Do(t.Context(), "call", nothing); err != nil {
			t.Fatal(err)
		}
	}
	if store.saves > 21 {
		t.Errorf("%d writes for 1000 calls", store.saves)
	}
	r, err := Stored(store.by[Key("x")], time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	if err != nil || len(r.Usage) != 1 || r.Usage[0].Spent != 1000 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAFailedWriteSpendsNothingAndCallsNobody(t *testing.T) {
	store := newBooks()
	c := (&Keyring{Store: store, Watch: &hand{now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}}).Open("x", day(2))
	store.broken = true
	if err := c.Do(t.Context(), "call", func(context.Context) error { t.Error("called"); return nil }); !errors.Is(err, errBooks) {
		t.Errorf("error %v", err)
	}
	store.broken = false
	for range 2 {
		if err := c.Do(t.Context(), "call", nothing); err != nil {
			t.Error(err)
		}
	}
}

// Two pipelines of a process share a credential, and each log knows what both spent.
func TestPipelinesShareACredential(t *testing.T) {
	watch := &hand{now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	one, two := newBooks(), newBooks()
	k := &Keyring{Watch: watch}
	a, b := k.With(one).Open("x", day(3)), k.With(two).Open("x", day(3))
	if a != b {
		t.Fatal("two credentials")
	}
	for range 3 {
		if err := a.Do(t.Context(), "call", nothing); err != nil {
			t.Fatal(err)
		}
	}
	for _, store := range []*books{one, two} {
		var spent *Exhausted
		if err := (&Keyring{Store: store, Watch: watch}).Open("x", day(3)).Do(t.Context(), "call", nothing); !errors.As(err, &spent) {
			t.Errorf("error %v", err)
		}
	}
}

// unlike is a store that Go cannot compare.
type unlike struct {
	*books
	_ []byte
}

func TestStoresThatCannotBeCompared(t *testing.T) {
	store := unlike{books: newBooks()}
	shared := &Keyring{}
	for range 2 {
		c := shared.With(store).Open("vendor/user", day(10))
		if err := c.Do(t.Context(), "call", nothing); err != nil {
			t.Fatal(err)
		}
	}
	if len(store.by) != 1 {
		t.Errorf("kept %d credentials", len(store.by))
	}
}

func TestAnEndedContextMakesNoCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := (*Keyring)(nil).Open("x", Options{})
	if err := c.Do(ctx, "call", func(context.Context) error { t.Error("called"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	wanted := errors.New("the vendor's")
	if err := c.Do(t.Context(), "call", func(context.Context) error { return wanted }); !errors.Is(err, wanted) {
		t.Errorf("error %v", err)
	}
}
