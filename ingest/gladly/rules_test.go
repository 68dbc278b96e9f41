package gladly

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/quota"
)

const now = "2026-03-02T18:00:00Z"

var (
	in   = statusLine("e1", "2026-03-02T17:01:00Z", "AGENT_STATUS/LOGGED_IN", "a", "", 500*time.Millisecond)
	away = statusLine("e2", "2026-03-02T17:10:00Z", "AGENT_STATUS/WENT_AWAY", "a", `"awayReason":{"id":"x","name":"Lunch"}`, 12*time.Second)
	back = statusLine("e3", "2026-03-02T17:40:00Z", "AGENT_STATUS/RETURNED_FROM_AWAY", "a", `"awayAt":"2026-03-02T17:10:00Z"`, 500*time.Millisecond)
	day  = told{"a 17:01:00": "available", "a 17:10:00": "not_ready Lunch", "a 17:40:00": "available"}
)

func always(text string) func(int, time.Time, time.Time, []string) string {
	return func(int, time.Time, time.Time, []string) string { return text }
}

func (f *fake) drain(o *Options) {
	f.Helper()
	if err := f.world.drain(o); err != nil {
		f.Fatal(err)
	}
}

// A refused token is not tried again, by no stream and no later process, until it is another.
func TestRefusedToken(t *testing.T) {
	f := newFake(t, now)
	f.refuse = true
	o := f.options("")
	if err := f.world.drain(o); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v", err)
	}
	n := len(f.requests(""))
	if n > 4 { // streams that had begun
		t.Errorf("%d calls with a refused token", n)
	}
	if err := f.world.drain(o); !errors.Is(err, quota.ErrLocked) {
		t.Errorf("error %v, want that the credential is locked", err)
	}
	if m := len(f.requests("")); m != n {
		t.Errorf("%d more calls with a refused token", m-n)
	}
	f.refuse, f.events = false, always("")
	o.Token = "s3cret-token-2" // another, which the fake does not take either: but it is tried
	if _ = f.world.drain(o); len(f.requests("")) == n {
		t.Error("a new token is not tried")
	}
}

// The first run reads back a day for how the agents stood; no request asks for more.
func TestFirstRunReadsADay(t *testing.T) {
	f := newFake(t, now)
	f.events = func(_ int, from, to time.Time, _ []string) string {
		if want := f.world.watch.Now().Add(-lookBack); from.Sub(want).Abs() > time.Minute || to.Sub(f.world.watch.Now()).Abs() > time.Minute {
			t.Errorf("asked for %s to %s", from, to)
		}
		return in + away + back
	}
	f.drain(f.options(only("statuses")))
	if diff := cmp.Diff(day, f.world.standings()); diff != "" {
		t.Error(diff)
	}
	if got := f.requests("GET /events"); len(got) != 1 || !strings.Contains(got[0], "entities=AGENT_STATUS&entities=AGENT_AVAILABILITY") {
		t.Error(got)
	}
	for _, a := range f.world.states {
		if a.AgentName != "Dana Ortiz" {
			t.Errorf("name %q", a.AgentName)
		}
	}
	if got := time.UnixMilli(f.world.marks[stateFact]).UTC().Format(time.RFC3339); got != "2026-03-02T17:59:30Z" {
		t.Errorf("complete through %s", got)
	}
	written := f.world.written
	f.world.watch.set(f.world.watch.Now().Add(time.Minute))
	f.events = func(_ int, from, _ time.Time, _ []string) string { return in + away + back }
	f.drain(f.options(only("statuses")))
	if f.world.written > written+1 { // of the last event a new process cannot know whether it was seen: it showed within the overlap
		t.Errorf("%d facts were written again", f.world.written-written)
	}
}

// A cut stream is asked for again from the last good event; whether the connection broke or the answer just ended.
func TestCutStream(t *testing.T) {
	f := newFake(t, now)
	f.events = func(n int, from, _ time.Time, _ []string) string {
		switch n {
		case 0:
			return in + away[:len(away)/2]
		case 1:
			if from.Format(time.RFC3339Nano) != "2026-03-02T17:01:00.5Z" {
				t.Errorf("went on at %s", from)
			}
			return in + away + back[:10]
		}
		return away + strings.TrimSuffix(back, "\n") // a last line without its end that is whole
	}
	f.drain(f.options(only("statuses")))
	if diff := cmp.Diff(day, f.world.standings()); diff != "" || f.streams["AGENT_STATUS+AGENT_AVAILABILITY"] != 3 || f.world.letters() != nil {
		t.Error(diff, f.streams, f.world.letters())
	}
}

// A stream that gets no further is an error, and what was read before stands.
func TestStreamThatGetsNoFurther(t *testing.T) {
	f := newFake(t, now)
	f.events = always(in + away[:20])
	err := f.world.drain(f.options(only("statuses")))
	if err == nil || !strings.Contains(err.Error(), "was cut 4 times without getting any further") {
		t.Errorf("error %v", err)
	}
	if f.world.marks[stateFact] != 0 {
		t.Error("complete all the same")
	}
	f.events = always(in + away + back)
	f.drain(f.options(only("statuses")))
	if diff := cmp.Diff(day, f.world.standings()); diff != "" {
		t.Error(diff)
	}
}

// Lines that cannot be used are dead-lettered with their place, and the rest is read. Unknown types and fields pass.
func TestBadLines(t *testing.T) {
	f := newFake(t, now)
	f.events = always(in + "{broken}\n" + `{"id":"x","type":"AGENT_STATUS/LOGGED_IN","timestamp":"2026-03-02T17:05:00Z","content":{}}` + "\n" +
		`{"id":"y","type":"AGENT_MOOD/IMPROVED","timestamp":"2026-03-02T17:06:00Z","content":{"mood":[1,2]},"new":{"field":true}}` + "\n\n" + away + back)
	f.drain(f.options(only("statuses")))
	if diff := cmp.Diff(day, f.world.standings()); diff != "" {
		t.Error(diff)
	}
	want := []string{
		`agent_state gladly, events, line 2, after 2026-03-02T17:01:00.500Z: the input is not a JSON object: invalid character 'b' looking for beginning of object key string`,
		`agent_state gladly, events, line 3, after 2026-03-02T17:01:00.500Z: the input has no "agentId"`,
	}
	if diff := cmp.Diff(want, f.world.letters()); diff != "" {
		t.Error(diff)
	}
}

// 429 comes without Retry-After: the call waits and is made again.
func TestThrottled(t *testing.T) {
	f := newFake(t, now)
	f.events = always(in)
	f.statuses["/events"] = []int{429, 429}
	f.statuses["/reports/"+workSessions] = []int{429}
	began := f.world.watch.Now()
	f.drain(f.options(""))
	if len(f.world.standings()) != 1 || len(f.requests("POST /reports")) != 2 {
		t.Error(f.world.standings(), f.requests(""))
	}
	if f.world.watch.Now().Sub(began) < 2*time.Second {
		t.Error("no pause")
	}
}

// An outage of more than a day is filled from reports, day by day, in any order of rows.
func TestOutageFromReports(t *testing.T) {
	f := newFake(t, "2026-03-01T08:00:00Z")
	f.events = always(statusLine("e0", "2026-03-01T07:00:00Z", "AGENT_STATUS/LOGGED_IN", "a", "", time.Second))
	o := f.options(only("statuses"))
	f.drain(o)
	at, _ := time.Parse(time.RFC3339, "2026-03-04T12:00:00Z")
	f.world.watch.set(at)
	var days []string
	f.report = func(body map[string]any) string {
		day := body["startAt"].(string)
		if body["metricSet"] != timestampsReport || body["endAt"] != day || body["timezone"] != "UTC" || body["startAtTime"] != nil {
			t.Errorf("asked for %v", body)
		}
		days = append(days, day)
		header := "Timestamp,Occurred At,Agent,Agent ID,Type,Available For,Away Reason,Active Reason\n"
		switch day {
		case "2026-03-01":
			return header + "2026-03-01 16:30:01.000,2026-03-01 16:30:00.000,Dana,a,AGENT_STATUS/LOGGED_OUT,,,\n" +
				"2026-03-01 09:00:01.000,2026-03-01 09:00:00.000,Dana,a,AGENT_STATUS/WENT_AWAY,,Lunch,\n" +
				"2026-03-01 10:00:01.000,2026-03-01 10:00:00.000,Dana,a,AGENT_AVAILABILITY/UPDATED,[ ],,\n" +
				"2026-03-01 10:00:01.000,2026-03-01 10:00:00.000,Dana,a,AGENT_STATUS/RETURNED_FROM_AWAY,,Lunch,\n" +
				"2026-03-01 07:00:01.000,2026-03-01 07:00:00.000,Dana,a,AGENT_STATUS/LOGGED_IN,,,\n"
		case "2026-03-03":
			return header + "soon,,Dana,a,AGENT_STATUS/LOGGED_IN,,,\n" +
				"2026-03-03T13:30:00.5Z,2026-03-03T13:30:00.123Z,Dana,a,AGENT_STATUS/LOGGED_IN,,,\n"
		}
		return header
	}
	f.events = func(_ int, from, _ time.Time, _ []string) string {
		if f.world.watch.Now().Sub(from) > 24*time.Hour {
			t.Errorf("asked events from %s", from)
		}
		return statusLine("e9", "2026-03-04T08:00:00Z", "AGENT_STATUS/WENT_AWAY", "a", "", time.Second)
	}
	f.world.states = nil
	f.world.states = newWorld(t, at).states
	f.drain(o)
	// From just before the last event that was known, at 07:58:30 less overlap; what the events still tell is left to them.
	want := told{"a 09:00:00": "not_ready Lunch", "a 10:00:00": "not_ready unavailable", "a 16:30:00": "logged_out", "a 08:00:00": "not_ready idle"}
	got := f.world.standings()
	delete(got, "a 07:00:00")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	slices.Sort(days)
	if diff := cmp.Diff([]string{"2026-03-01", "2026-03-02", "2026-03-03"}, days); diff != "" {
		t.Error(diff)
	}
	if got := f.world.letters(); len(got) != 1 || !strings.Contains(got[0], `report AgentTimestampsReport, line 2: the input has no "Timestamp" that is an instant`) {
		t.Error(got)
	}
}

// People are workers, e-mail addresses in lower case.
func TestAgents(t *testing.T) {
	f := newFake(t, now)
	f.agents = `[{"id":"a","name":"Dana Ortiz","emailAddress":" Dana.Ortiz@Example.test","team":{"new":1}},{"name":"nobody"}]`
	f.drain(f.options(only("agents")))
	w := f.world.workers["a"]
	if w.Email != "dana.ortiz@example.test" || w.AgentID != "a" || w.System != "gladly" || !w.Active || len(f.world.workers) != 1 {
		t.Errorf("%+v", f.world.workers)
	}
	if got := f.world.letters(); len(got) != 1 || !strings.Contains(got[0], `has no "id"`) {
		t.Error(got)
	}
}

// Answers are kept as they came, where the option asks for that.
func TestKeepRaw(t *testing.T) {
	f := newFake(t, now)
	f.events = always(in + away)
	f.drain(f.options("keep_raw: 24h\n"))
	if raw := string(f.world.raw); !strings.Contains(raw, in+away) || !strings.Contains(raw, sessionHeader) {
		t.Errorf("kept %q", raw)
	}
	g := newFake(t, now)
	g.events = always(in)
	g.drain(g.options(""))
	if len(g.world.raw) != 0 {
		t.Error("kept without being asked to")
	}
}

// A server that is away is no reason to give up.
func TestTransient(t *testing.T) {
	f := newFake(t, now)
	f.events = always(in)
	f.statuses["/agents"] = []int{http.StatusBadGateway, http.StatusServiceUnavailable}
	f.drain(f.options(only("statuses")))
	if len(f.world.standings()) != 1 {
		t.Error(f.world.standings())
	}
}

// A clock of the vendor's that is behind ours says how far the events go.
func TestVendorsClock(t *testing.T) {
	f := newFake(t, now)
	s := eventStream{clock: f.world.watch.Now().Add(-40 * time.Second)}
	if got := s.through(f.world.watch.Now(), 30*time.Second); f.world.watch.Now().Sub(got) != 70*time.Second {
		t.Error(got)
	}
	s.clock = f.world.watch.Now().Add(-time.Hour) // one that is wrong says nothing
	if got := s.through(f.world.watch.Now(), 30*time.Second); f.world.watch.Now().Sub(got) != 30*time.Second {
		t.Error(got)
	}
}

func TestCancelled(t *testing.T) {
	f := newFake(t, now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g, err := newSource(f.options(""), f.world.deps(false))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Run(ctx, nil, f.world); err != nil {
		t.Errorf("error %v of a run that was ended", err)
	}
}

// recorded are the lines that were recorded in the window that is asked for.
func recorded(lines string) func(int, time.Time, time.Time, []string) string {
	return func(_ int, from, to time.Time, _ []string) (text string) {
		for _, l := range strings.SplitAfter(lines, "\n") {
			var e event
			if l != "" && e.parse([]byte(l)) == "" && e.timestamp >= from.UnixMilli() && e.timestamp < to.UnixMilli() {
				text += l
			}
		}
		return text
	}
}

// Days without an event are no outage: nothing is read from reports, and the state that is kept stays small.
func TestQuietDays(t *testing.T) {
	f := newFake(t, now)
	f.events = recorded(in + away)
	o := f.options(only("statuses"))
	f.drain(o)
	for range 9 {
		f.world.watch.set(f.world.watch.Now().Add(6 * time.Hour))
		f.drain(o)
	}
	if got := f.requests("POST /reports"); len(got) != 0 {
		t.Error(got)
	}
	if n := len(f.world.cursor); n > 600 {
		t.Errorf("a cursor of %d bytes: %s", n, f.world.cursor)
	}
	// How the agent stood then is still known.
	f.events = always(statusLine("e8", "2026-03-04T23:59:00Z", "AGENT_STATUS/CHANGED_ACTIVE_REASON", "a", "", time.Second))
	f.world.watch.set(time.Date(2026, 3, 5, 0, 1, 0, 0, time.UTC))
	f.drain(o)
	if got := f.world.standings()["a 23:59:00"]; got != "not_ready Lunch" {
		t.Errorf("%q, want that the agent is still away", got)
	}
}
