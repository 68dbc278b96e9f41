package flow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/schemas"
)

func windowOf(r *Read) string {
	return r.From.UTC().Format("02 15:04:05") + " - " + r.To.UTC().Format("02 15:04:05")
}

// After an outage the stretch that is missing is read in pieces, each of which is committed, with progress.
func TestAnOutageIsCaughtUpWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, shown := newLog(), &shown{}
		var windows []string
		fail := false
		f := Flow{
			Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Hour},
			Window: Window{Start: clock.Now(), Overlap: 10 * time.Minute, Lag: 5 * time.Minute, Longest: 2 * time.Hour},
			Read: func(_ context.Context, r *Read) error {
				if fail {
					return errors.New("no")
				}
				windows = append(windows, windowOf(r))
				return nil
			},
		}
		l.runFor(t, 61*time.Minute, f)
		fail = true
		l.runFor(t, 6*time.Hour, f)
		fail, windows, l.marks = false, nil, nil
		o := l.options()
		o.Deps.Progress = shown
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := Run(ctx, []Flow{f}, l.cursor, l, o); err != nil {
			t.Fatal(err)
		}
		want := []string{"01 00:45:00 - 01 02:45:00", "01 02:45:00 - 01 04:45:00", "01 04:45:00 - 01 06:45:00", "01 06:45:00 - 01 07:01:00"}
		if d := cmp.Diff(want, windows); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"contact 02:45:00", "contact 04:45:00", "contact 06:45:00", "contact 06:56:00"}, l.marks); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"source calls 0/376 minutes", "source calls 120/376 minutes", "source calls 240/376 minutes", "source calls 360/376 minutes"},
			shown.list); d != "" {
			t.Error(d)
		}
	})
}

type shown struct{ list []string }

func (s *shown) Report(what string, done, total int64, unit string) {
	s.list = append(s.list, fmt.Sprintf("%s %d/%d %s", what, done, total, unit))
}

// What a vendor no longer tells is said, not waited for.
func TestAVendorForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var text bytes.Buffer
		var windows []string
		f := Flow{
			Name: "events", Facts: []string{"agent_state"}, Schedule: Schedule{Every: time.Hour}, Window: Window{Back: 24 * time.Hour, Overlap: time.Hour},
			Read: func(_ context.Context, r *Read) error { windows = append(windows, windowOf(r)); return nil },
		}
		l.runFor(t, time.Minute, f)
		_ = clock.Sleep(t.Context(), 30*time.Hour)
		o := l.options()
		o.Deps.Log = slog.New(slog.NewTextHandler(&text, nil))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := Run(ctx, []Flow{f}, l.cursor, l, o); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{"31 00:00:00 - 01 00:00:00", "01 06:01:00 - 02 06:01:00"}, windows); d != "" {
			t.Error(d)
		}
		if !strings.Contains(text.String(), "it stays empty") {
			t.Errorf("it said %s", text.String())
		}
	})
}

// The state is the flow's own, survives, and is only what a read that succeeded left.
func TestStateSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var seen []string
		n := 0
		f := Flow{Name: "pages", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Minute, Align: -1}, Window: Window{Back: time.Hour},
			Read: func(_ context.Context, r *Read) error {
				seen = append(seen, string(r.State))
				n++
				switch n {
				case 1:
					r.State = []byte(`{"page": 1}`)
				case 2:
					r.State = []byte("lost")
					return errors.New("no")
				case 3:
					r.State = []byte{0xff, 1}
				}
				return nil
			}}
		l.runFor(t, 90*time.Second, f)
		l.runFor(t, 90*time.Second, f)
		if len(seen) < 4 {
			t.Fatalf("states %q", seen)
		}
		if d := cmp.Diff([]string{"", `{"page": 1}`, `{"page": 1}`, "\xff\x01"}, seen[:4]); d != "" {
			t.Error(d)
		}
	})
}

// A flow whose budget is spent is due when there is one again.
func TestAnExhaustedFlowWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var at []string
		f := Flow{Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Minute}, Window: Window{Back: time.Hour},
			Read: func(context.Context, *Read) error {
				at = append(at, clock.Now().UTC().Format("15:04:05"))
				if len(at) == 1 {
					return &quota.Exhausted{Operation: "report", Until: clock.Now().Add(3 * time.Hour)}
				}
				return nil
			}}
		l.runFor(t, 3*time.Hour+90*time.Second, f)
		if d := cmp.Diff([]string{"00:00:00", "03:00:00", "03:01:00"}, at); d != "" {
			t.Error(d)
		}
		if l.counts["calls exhausted"] != 1 || l.counts["calls ok"] != 2 {
			t.Errorf("%v", l.counts)
		}
	})
}

// While a credential is locked nothing is asked, it is said once, and the flow goes on when it is unlocked.
func TestALockedFlowWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var text bytes.Buffer
		o := l.options()
		o.Deps.Log = slog.New(slog.NewTextHandler(&text, nil))
		credential := (&quota.Keyring{}).Open("x", quota.Options{Secret: "s"})
		if err := credential.Refused(t.Context(), "401"); err != nil {
			t.Fatal(err)
		}
		asked := 0
		f := Flow{Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Minute}, Window: Window{Back: time.Hour},
			Read: func(ctx context.Context, _ *Read) error {
				return credential.Do(ctx, "call", func(context.Context) error { asked++; return nil })
			}}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		go func() {
			_ = clock.Sleep(ctx, time.Hour+time.Second)
			if asked > 0 {
				t.Errorf("%d calls while it was locked", asked)
			}
			_ = credential.Reset(ctx)
		}()
		if err := Run(ctx, []Flow{f}, nil, l, o); err != nil {
			t.Fatal(err)
		}
		if asked < 50 || strings.Count(text.String(), "waits until the credential is unlocked") != 1 {
			t.Errorf("%d calls; it said %s", asked, text.String())
		}
	})
}

// A read that listens commits as it goes; it does not hold up the marks of those that promise something.
func TestAListenerCommitsAsItGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		posted := make(chan string)
		take := func(ctx context.Context, r *Read, id string) error {
			ctx, cancel := context.WithCancel(ctx) // of the one who posts
			defer cancel()
			r.State = []byte(`"` + id + `"`)
			return errors.Join(r.Contact(ctx, contactAt(id, clock.Now(), "q")), r.Commit(ctx))
		}
		hook := Flow{Name: "hook", Facts: []string{"contact"}, Read: func(ctx context.Context, r *Read) error {
			for {
				select {
				case id := <-posted:
					if err := take(ctx, r, id); err != nil {
						return err
					}
				case <-ctx.Done():
					return nil
				}
			}
		}}
		poll := Flow{Name: "poll", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Hour}, Window: Window{Back: time.Hour},
			Read: func(context.Context, *Read) error { return nil }}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- Run(ctx, []Flow{hook, poll}, nil, l, l.options()) }()
		posted <- "a"
		synctest.Wait()
		if len(l.facts()) != 1 || string(l.position(t, "hook").State) != `"a"` || len(l.marks) != 1 {
			t.Errorf("%d facts, marks %v, cursor %s", len(l.facts()), l.marks, l.cursor)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestADrainReadsOnceAndFailsWithItsFlows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		o := l.options()
		o.Deps.Drain = true
		reads := 0
		fine := Flow{Name: "fine", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Hour}, Window: Window{Back: time.Hour},
			Read: func(context.Context, *Read) error { reads++; return clock.Sleep(t.Context(), time.Second) }}
		if err := Run(t.Context(), []Flow{fine}, nil, l, o); err != nil || reads != 1 || l.promised["contact"] == 0 {
			t.Errorf("error %v, %d reads, marks %v", err, reads, l.marks)
		}
		wanted := errors.New("no")
		bad := Flow{Name: "bad", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Hour}, Window: Window{Back: time.Hour},
			Read: func(context.Context, *Read) error { return wanted }}
		err := Run(t.Context(), []Flow{fine, bad}, l.cursor, l, o)
		if !errors.Is(err, wanted) || !strings.Contains(err.Error(), `"bad"`) || reads != 2 {
			t.Errorf("error %v, %d reads: the others are to finish", err, reads)
		}
	})
}

// What is handed over and not acknowledged is read again: a failure of the log ends the run, so that no memory says otherwise.
func TestAFailureOfTheLogEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		f := Flow{Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Minute}, Window: Window{Back: time.Hour, Overlap: time.Hour},
			Read: func(ctx context.Context, r *Read) error {
				return r.Contact(ctx, contactAt("a", r.From.Add(time.Minute), "q"))
			}}
		l.failAfter = 2
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := clock.Now()
		if err := Run(ctx, []Flow{f}, nil, l, l.options()); !errors.Is(err, errBroken) || clock.Since(start) > 2*time.Minute {
			t.Errorf("error %v after %v", err, clock.Since(start))
		}
	})
}

// A person who is no longer in the list is withdrawn; who comes back is there again. The others are written once.
func TestPeopleComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		people := map[string]bool{"dana": true, "eli": true}
		users := Flow{Name: "users", Facts: []string{"worker"}, Schedule: Schedule{Every: time.Hour}, Replaces: true,
			Read: func(ctx context.Context, r *Read) error {
				for id := range people {
					if err := r.Worker(ctx, &schemas.Worker{WorkerID: id, Email: id + "@example.test"}); err != nil {
						return err
					}
				}
				return nil
			}}
		f := func(want ...string) {
			t.Helper()
			l.runFor(t, time.Hour+time.Minute, users)
			if d := cmp.Diff(want, l.table()); d != "" {
				t.Error(d)
			}
		}
		f("w dana dana@example.test", "w eli eli@example.test")
		delete(people, "eli")
		f("w dana dana@example.test")
		people["eli"] = true
		f("w dana dana@example.test", "w eli eli@example.test")
		if n := len(l.facts()); n != 4 {
			t.Errorf("%d facts, want 4", n)
		}
		if len(l.marks) > 0 {
			t.Errorf("marks %v of people", l.marks)
		}
	})
}

// A flow that replaces takes back what a quicker one said, of its own share only, and only where it is complete.
func TestAReportCorrectsWhatWasSeenAsItHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start := clock.Now()
		state := func(id string, minute int, reason string) *schemas.AgentState {
			return stateAt("a", id, start.Add(time.Duration(minute)*time.Minute), reason)
		}
		owned := func(fact any) bool { return !strings.HasPrefix(fact.(*schemas.AgentState).StateID, "chat") }
		now := []*schemas.AgentState{state("1", 1, "seen"), state("2", 2, "seen"), state("chat", 2, "seen"), state("9", 19, "seen")}
		statuses := Flow{Name: "statuses", Facts: []string{"agent_state"}, Schedule: Schedule{Every: time.Minute},
			Window: Window{Overlap: time.Minute},
			Read: func(ctx context.Context, r *Read) error {
				for _, a := range now {
					if a.StartedAt >= r.From.UnixMilli() && a.StartedAt < r.To.UnixMilli() {
						if err := r.AgentState(ctx, a); err != nil {
							return err
						}
					}
				}
				return nil
			}}
		report := Flow{Name: "report", Facts: []string{"agent_state"}, Schedule: Schedule{Every: 20 * time.Minute}, Replaces: true, Owns: owned,
			Window: Window{Start: start, Overlap: time.Hour, Lag: 5 * time.Minute},
			Read: func(ctx context.Context, r *Read) error {
				if r.To.Before(start.Add(15 * time.Minute)) {
					return nil
				}
				return r.AgentState(ctx, state("1", 1, "reported"))
			}}
		l.runFor(t, 21*time.Minute, statuses, report)
		if d := cmp.Diff([]string{"a a/1 reported", "a a/9 seen", "a a/chat seen"}, l.table()); d != "" {
			t.Error(d)
		}
		l.runFor(t, 20*time.Minute, statuses, report) // by now the report is complete through minute 19
		if d := cmp.Diff([]string{"a a/1 reported", "a a/chat seen"}, l.table()); d != "" {
			t.Error(d)
		}
	})
}

// A source that says it is complete only so far goes on from there.
func TestASourceMayPromiseLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		var windows []string
		f := Flow{Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Hour}, Window: Window{Back: 3 * time.Hour, Longest: 2 * time.Hour},
			Read: func(_ context.Context, r *Read) error {
				windows = append(windows, windowOf(r))
				switch len(windows) {
				case 1:
					r.Through = r.From.Add(time.Hour)
				case 3:
					r.Through = r.From.Add(-time.Hour) // nothing
				}
				return nil
			}}
		l.runFor(t, 61*time.Minute, f)
		want := []string{"31 21:00:00 - 31 23:00:00", "31 22:00:00 - 01 00:00:00", "01 00:00:00 - 01 01:00:00"}
		if d := cmp.Diff(want, windows); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"contact 22:00:00", "contact 00:00:00"}, l.marks); d != "" {
			t.Error(d)
		}
	})
}

// Revisions grow, also where the clock goes back and across restarts.
func TestRevisionsGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		queue := "a"
		f := Flow{Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Minute}, Window: Window{Overlap: time.Hour},
			Read: func(ctx context.Context, r *Read) error {
				queue += "a"
				return r.Contact(ctx, contactAt("x", r.To.Add(-time.Minute).Truncate(24*time.Hour), queue))
			}}
		o := l.options()
		for _, back := range []time.Duration{0, 0, 24 * time.Hour, 48 * time.Hour, 0} {
			o.Deps.Watch = clock.Fast(clock.Now().Add(-back), clock.Now(), 1)
			ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
			if err := Run(ctx, []Flow{f}, l.cursor, l, o); err != nil {
				t.Fatal(err)
			}
			cancel()
		}
		last := int64(0)
		for _, e := range l.facts() {
			c := e.fact.(*schemas.Contact)
			if c.Revision <= last {
				t.Errorf("revision %d after %d", c.Revision, last)
			}
			last = c.Revision
		}
		if len(l.facts()) < 5 {
			t.Errorf("%d facts", len(l.facts()))
		}
	})
}

func TestOptionsThatCannotBe(t *testing.T) {
	f := func(wanted string, cursor string, flows ...Flow) {
		t.Helper()
		err := Run(t.Context(), flows, []byte(cursor), newLog(), Options{Deps: ingest.Deps{}})
		if err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("error %v, want %q", err, wanted)
		}
	}
	f("leave one out", "", Flow{Name: "a", Schedule: Schedule{Every: 1, Cron: "x"}})
	f("two flows", "", Flow{Name: "a"}, Flow{Name: "a"})
	f("sources reset", "{", Flow{Name: "a"})
}

// What can no longer be handed over again is forgotten, also by what only listens.
func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := func(limit int, flow Flow) {
			t.Helper()
			l := newLog()
			n, err := newRun([]Flow{flow}, nil, l, l.options())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*24*time.Hour)
			defer cancel()
			n.ctx, n.stop = ctx, cancel
			if err := n.workers[0].work(ctx); err != nil {
				t.Fatal(err)
			}
			if got := len(n.memory(contactFact).items); got > limit || got == 0 || len(l.entries) < 30*24*5 {
				t.Errorf("%s remembers %d of %d contacts", flow.Name, got, len(l.entries))
			}
		}
		hand := func(ctx context.Context, r *Read) error {
			at := clock.Now()
			return r.Contact(ctx, contactAt(at.Format(time.RFC3339), at.Add(-time.Minute), "q"))
		}
		f(20, Flow{Name: "poll", Facts: []string{"contact"}, Schedule: Schedule{Every: 10 * time.Minute}, Window: Window{Overlap: time.Hour}, Read: hand})
		f(48*6+10, Flow{Name: "hook", Read: func(ctx context.Context, r *Read) error {
			for clock.Sleep(ctx, 10*time.Minute) == nil {
				if err := errors.Join(hand(ctx, r), r.Commit(ctx)); err != nil {
					return err
				}
			}
			return nil
		}})
	})
}

// A clock that was years ahead leaves a flow that has nothing to read for years: that is an error which says so.
func TestAClockThatWasAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		reads := 0
		f := Flow{Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Minute}, Window: Window{Overlap: time.Hour},
			Read: func(context.Context, *Read) error { reads++; return nil }}
		g := func(ahead time.Duration, wanted int, word string) {
			t.Helper()
			o := l.options()
			o.Deps.Watch, o.Deps.Drain = clock.Fast(clock.Now().Add(ahead), clock.Now(), 1), true
			err := Run(t.Context(), []Flow{f}, l.cursor, l, o)
			if (err != nil) != (word != "") || err != nil && !strings.Contains(err.Error(), word) || reads != wanted {
				t.Errorf("%s ahead: %d reads, want %d, error %v", ahead, reads, wanted, err)
			}
		}
		g(5*time.Hour, 1, "")
		g(4*time.Hour+time.Second, 2, "") // the overlap reaches back
		g(0, 2, "clock")
		if p := l.position(t, "calls"); !strings.Contains(p.Error, "sources reset") {
			t.Errorf("the cursor says %q", p.Error)
		}
	})
}

// A thing that was corrected to begin before the windows is not missed in them after a restart.
func TestWhatMovedOutOfTheWindowsIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		start := clock.Now()
		told := true
		f := Flow{Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: 10 * time.Minute}, Window: Window{Overlap: time.Hour}, Replaces: true,
			Read: func(ctx context.Context, r *Read) error {
				if !told {
					return nil
				}
				return r.Contact(ctx, contactAt("x", start.Add(-10*time.Minute), "q"))
			}}
		l.runFor(t, time.Minute, f)
		moved := contactAt("x", start.Add(-3*time.Hour), "moved")
		moved.Revision = clock.Now().UnixMilli()
		l.entries, told = append(l.entries, entry{clock.Now(), moved}), false
		l.runFor(t, 25*time.Minute, f)
		if d := cmp.Diff([]string{"c x/1 moved"}, l.table()); d != "" {
			t.Error(d)
		}
	})
}

// A read of any length that nothing replaces takes the memory of an hour of it.
func TestALongReadIsForgottenAsItGoes(t *testing.T) {
	l, start := newLog(), clock.Now().Add(-24*time.Hour)
	most := 0
	stream := Flow{Name: "events", Facts: []string{"agent_state"}, Schedule: Schedule{Every: time.Minute}, Window: Window{Back: 24 * time.Hour}}
	n, err := newRun([]Flow{stream}, nil, nothing{l}, l.options())
	if err != nil {
		t.Fatal(err)
	}
	n.ctx, n.stop = t.Context(), func() {}
	n.workers[0].flow.Read = func(ctx context.Context, r *Read) error {
		for i := range 6 * crowded { // a day
			at := start.Add(time.Duration(i) * 72 * time.Millisecond)
			if err := r.AgentState(ctx, &schemas.AgentState{AgentID: "a", StartedAt: at.UnixMilli(), EndedAt: schemas.Null}); err != nil {
				return err
			}
			most = max(most, len(n.memory(stateFact).items))
		}
		return nil
	}
	if err := n.workers[0].cycle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if most > crowded+1 {
		t.Errorf("remembered %d", most)
	}
}

// nothing takes states and forgets them.
type nothing struct{ *log }

func (nothing) AgentState(context.Context, *schemas.AgentState) error { return nil }
