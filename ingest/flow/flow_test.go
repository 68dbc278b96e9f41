package flow

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/schemas"
)

// The bubble's clock starts at midnight UTC of 2000-01-01.
func TestReadsOverlapAndRepeatNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start := time.Now()
		var windows []string
		calls := Flow{
			Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: 15 * time.Minute, Align: 2 * time.Minute},
			Window: Window{Overlap: 30 * time.Minute, Lag: 10 * time.Minute, Back: time.Hour},
			Read: func(ctx context.Context, r *Read) error {
				windows = append(windows, r.From.UTC().Format("15:04:05")+" "+r.To.UTC().Format("15:04:05"))
				for at := start; at.Before(r.To); at = at.Add(time.Minute) {
					if at.Before(r.From) {
						continue
					}
					if err := r.Contact(ctx, contactAt(at.Format("1504"), at, "q")); err != nil {
						return err
					}
				}
				return nil
			},
		}
		l.runFor(t, 50*time.Minute, calls)
		want := []string{
			"23:00:00 00:00:00", "23:20:00 00:02:00", "23:22:00 00:17:00", "23:37:00 00:32:00", "23:52:00 00:47:00",
		}
		if d := cmp.Diff(want, windows); d != "" {
			t.Error(d)
		}
		if len(l.facts()) != 47 || l.totals.Repeated == 0 {
			t.Errorf("%d facts, %d repeats, want 47 and some", len(l.facts()), l.totals.Repeated)
		}
		if d := cmp.Diff([]string{"contact 23:50:00", "contact 23:52:00", "contact 00:07:00", "contact 00:22:00", "contact 00:37:00"}, l.marks); d != "" {
			t.Error(d)
		}
		l.runFor(t, 20*time.Minute, calls) // a restart goes on by the schedule, and repeats nothing
		if n := len(l.facts()); n != 62 {
			t.Errorf("%d facts after the restart, want 62", n)
		}
	})
}

func TestAnswersCutShortAreAskedForInHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start := time.Now().Add(-time.Hour)
		calls := Flow{
			Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Hour}, Window: Window{Back: time.Hour},
			Read: func(ctx context.Context, r *Read) error {
				n := 0
				for i := range 120 { // twice a minute, and all at once in second 7
					at := start.Add(time.Duration(i) * 30 * time.Second)
					if i >= 60 {
						at = start.Add(7 * time.Second)
					}
					if at.Before(r.From) || !at.Before(r.To) {
						continue
					}
					if n++; n > 10 {
						return ErrSplit
					}
					if err := r.Contact(ctx, contactAt(fmt.Sprint(i), at, "q")); err != nil {
						return err
					}
				}
				return nil
			},
		}
		l.runFor(t, time.Minute, calls)
		if len(l.dead) != 1 || l.dead[0].Reason != "truncated" {
			t.Errorf("dead letters %+v", l.dead)
		}
		if n := len(l.table()); n != 70 {
			t.Errorf("%d contacts, want 60 and the 10 that second 7 gives", n)
		}
	})
}

func TestWhatVanishesIsRetracted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start := time.Now()
		vendor := map[string]time.Time{"a": start, "b": start.Add(time.Minute), "c": start.Add(20 * time.Minute)}
		calls := Flow{
			Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: 15 * time.Minute}, Window: Window{Overlap: time.Hour, Back: time.Hour},
			Replaces: true,
			Read: func(ctx context.Context, r *Read) error {
				for id, at := range vendor {
					if at.Before(r.From) || !at.Before(r.To) {
						continue
					}
					if err := r.Contact(ctx, contactAt(id, at, "q")); err != nil {
						return err
					}
				}
				return nil
			},
		}
		l.runFor(t, 16*time.Minute, calls)
		if d := cmp.Diff([]string{"c a/1 q", "c b/1 q"}, l.table()); d != "" {
			t.Error(d)
		}
		delete(vendor, "b")
		l.runFor(t, 30*time.Minute, calls) // the memory comes from the log
		if d := cmp.Diff([]string{"c a/1 q", "c c/1 q"}, l.table()); d != "" {
			t.Error(d)
		}
		delete(vendor, "a")
		l.failAfter = 1 // a crash between the retraction and the cursor
		l.runFor(t, 15*time.Minute, calls)
		l.runFor(t, 20*time.Minute, calls)
		if d := cmp.Diff([]string{"c c/1 q"}, l.table()); d != "" {
			t.Error(d)
		}
	})
}

// Of what cannot be read nobody knows whether it is what the answer lacks: withdrawals wait for an answer that can be read whole.
func TestWhatCannotBeReadIsNotWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start := time.Now()
		there, damaged := []string{"a", "b", "c"}, ""
		calls := Flow{
			Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: 15 * time.Minute}, Window: Window{Overlap: time.Hour, Back: time.Hour},
			Replaces: true,
			Read: func(ctx context.Context, r *Read) error {
				for _, id := range there {
					var err error
					if id == damaged {
						err = r.Reject(ctx, &schemas.DeadLetter{Reason: "row"})
					} else {
						err = r.Contact(ctx, contactAt(id, start, "q"))
					}
					if err != nil {
						return err
					}
				}
				return nil
			},
		}
		f := func(still []string, bad string, want ...string) {
			t.Helper()
			there, damaged = still, bad
			l.runFor(t, 16*time.Minute, calls)
			if d := cmp.Diff(want, l.table()); d != "" {
				t.Error(d)
			}
		}
		f([]string{"a", "b", "c"}, "", "c a/1 q", "c b/1 q", "c c/1 q")
		f([]string{"a", "b"}, "b", "c a/1 q", "c b/1 q", "c c/1 q")
		f([]string{"a", "b"}, "", "c a/1 q", "c b/1 q")
	})
}

// A position that is ahead of the clock, by whatever mistake, promises nothing that has not come.
func TestNoMarkIsAheadOfTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		cursor := &Cursor{Flows: map[string]*Position{"calls": {Through: time.Now().Add(365 * 24 * time.Hour)}}}
		l.cursor = cursor.Encode()
		l.runFor(t, time.Hour, Flow{
			Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: 15 * time.Minute}, Window: Window{Overlap: time.Hour},
			Read: func(context.Context, *Read) error { return nil },
		})
		if at := l.promised["contact"]; at > time.Now().UnixMilli() {
			t.Errorf("complete through %s at %s", time.UnixMilli(at), time.Now())
		}
	})
}

// A flow that is due every minute is not left alone for much longer than that after an outage, unless the vendor asks for it.
func TestHowLongAFailingFlowWaits(t *testing.T) {
	f := func(every, asked, least, most time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			l := newLog()
			var attempts []time.Time
			down := Flow{Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: every}, Window: Window{Back: time.Hour},
				Read: func(context.Context, *Read) error {
					attempts = append(attempts, time.Now())
					return &httpcall.Error{Kind: httpcall.Transient, RetryAfter: asked, Err: errors.New("down")}
				}}
			l.runFor(t, 6*time.Hour, down)
			n := len(attempts)
			if pause := attempts[n-1].Sub(attempts[n-2]); pause < least || pause > most {
				t.Errorf("every %s, asked for %s: a pause of %s", every, asked, pause)
			}
		})
	}
	f(20*time.Second, 0, 30*time.Second, 90*time.Second)
	f(2*time.Minute, 0, time.Minute, 3*time.Minute)
	f(time.Hour, 0, 150*time.Second, 450*time.Second)
	f(20*time.Second, 10*time.Minute, 10*time.Minute, 10*time.Minute)
}

func TestAFailingFlowIsTriedAgainWhileOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		attempts, good := 0, 0
		bad := Flow{Name: "bad", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Minute}, Window: Window{Back: time.Hour},
			Read: func(context.Context, *Read) error { attempts++; return errors.New("no") }}
		fine := Flow{Name: "fine", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Minute}, Window: Window{Back: time.Hour},
			Read: func(context.Context, *Read) error { good++; return nil }}
		l.runFor(t, time.Hour, bad, fine)
		if attempts < 10 || attempts > 120 || good < 60 {
			t.Errorf("%d attempts, %d reads", attempts, good)
		}
		if len(l.marks) != 0 {
			t.Errorf("marks %v although one flow has read nothing", l.marks)
		}
		if p := l.position(t, "bad"); p.Error != "no" || p.Due.IsZero() {
			t.Errorf("position %+v", p)
		}
	})
}
