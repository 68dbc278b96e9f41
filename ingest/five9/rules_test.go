package five9

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/five9"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// The rules of the simulated vendor that TestDays does not meet.

// A wrong password: one call, and the account is not locked.
func TestWrongPassword(t *testing.T) {
	w := newWorld(t, usual, vendor.Options{LockAfter: 2}, "username: "+vendor.User+"\npassword: wrong\n"+everyone)
	for range 3 {
		if err := w.drain(); err == nil || !strings.Contains(err.Error(), "are not accepted") && !errors.Is(err, quota.ErrLocked) {
			t.Errorf("got %v", err)
		}
	}
	w.options = strings.ReplaceAll(w.options, "wrong", vendor.Password)
	if err := w.drain(); err != nil {
		t.Errorf("with the right password: %v", err)
	}
	w.sound()
}

// An account that somebody else has locked.
func TestLockedAccount(t *testing.T) {
	w := newWorld(t, usual, vendor.Options{LockAfter: 1}, "username: "+vendor.User+"\npassword: wrong\n"+everyone)
	_ = w.drain()
	w.keyring = &quota.Keyring{Watch: w.watch}
	w.options = strings.ReplaceAll(w.options, "wrong", vendor.Password)
	if err := w.drain(); err == nil || !strings.Contains(err.Error(), "InvalidAccountFault") {
		t.Errorf("got %v", err)
	}
	if err := w.drain(); !errors.Is(err, quota.ErrLocked) {
		t.Errorf("got %v", err)
	}
}

func TestWrongFolderAndReport(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		w := newWorld(t, usual, vendor.Options{}, account+options)
		if err := w.drain(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "case-sensitive") {
			t.Errorf("got %v, want %s", err, want)
		}
		if got := w.Calls()["runReport"]; got != 1 {
			t.Errorf("the report was asked for %d times", got)
		}
	}
	f("folder: wfm reports\nstreams: {calls: {}}\n", `folder "wfm reports"`)
	f("streams: {calls: {report: WFM CALL LOG}}\n", `"WFM CALL LOG"`)
	f("streams: {agent_states: {folder: Elsewhere}}\n", `"Elsewhere"`)
}

// A report whose columns somebody changes: in another order and with more of them all is well; with one missing the stream stops, says
// so, withdraws nothing, and goes on when the report is put right.
func TestReportEdited(t *testing.T) {
	w := newWorld(t, usual, vendor.Options{Faults: vendor.Faults{Lag: time.Minute, LagMost: 2 * time.Minute}}, account+"streams: {calls: {}}\n")
	end := w.watch.Now().Add(40 * time.Minute)
	w.until(end, 10*time.Minute)
	before := w.told()
	edit := func(change func(columns []string) []string) {
		t.Helper()
		if err := w.SetReport(vendor.Report{Folder: vendor.Folder, Name: vendor.CallReport, Kind: vendor.Calls, Columns: change(append(slices.Clone(vendor.CallColumns), "SKILL"))}); err != nil {
			t.Fatal(err)
		}
	}
	edit(func(c []string) []string {
		return slices.DeleteFunc(c, func(s string) bool { return s == "TALK TIME" })
	})
	if err := w.drain(); err == nil || !strings.Contains(err.Error(), `"TALK TIME" (talk_time)`) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, w.told()); diff != "" {
		t.Error(diff)
	}
	edit(func(c []string) []string { slices.Reverse(c); return append([]string{"DATE", "AGENT ID"}, c...) })
	w.until(w.centre.Until().Add(2*time.Hour), 30*time.Minute)
	if diff := cmp.Diff(w.visits("voice"), w.told()); diff != "" {
		t.Error(short(diff))
	}
	w.sound()
}

// visits are the contacts of one channel.
func (w *world) visits(channel string) []string {
	return slices.DeleteFunc(w.happened(w.centre.Until()), func(s string) bool { return !strings.Contains(s, " "+channel+" ") })
}

// A small quota, spent by another tool too, and processes that start anew and know nothing: no limit is exceeded, and in the end all is
// there.
func TestQuota(t *testing.T) {
	w := newWorld(t, usual, vendor.Options{}, account+"streams:\n  calls: {revisit_every: 12h}\n  digital: {revisit_every: 12h}\n")
	w.SetLimits(vendor.Limit{Operation: "Query", Minute: 30, Hour: 600, Day: 5000}, vendor.Limit{Operation: "ReportRequest", Minute: 2, Hour: 12, Day: 120},
		vendor.Limit{Operation: "RetrieveReport", Minute: 2, Hour: 12, Day: 120})
	exhausted := 0
	for end := w.centre.Until().Add(14 * time.Hour); w.watch.Now().Before(end); w.watch.move(10 * time.Minute) {
		w.keyring = &quota.Keyring{Watch: w.watch}
		var spent *quota.Exhausted
		if err := w.drain(); errors.As(err, &spent) {
			exhausted++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(w.happened(w.centre.Until()), w.told()); diff != "" {
		t.Error(short(diff))
	}
	if w.sound(); exhausted == 0 {
		t.Error("the quota was never spent: the test shows nothing")
	}
}

// The service fails in all ways, again and again, and forgets reports and sessions.
func TestTroubledService(t *testing.T) {
	w := newWorld(t, usual, vendor.Options{}, account+everyone)
	troubles := []string{"ServiceUnavailable", "Server", "SessionClosed", "AdminSessionClosed", "UnknownIdentifier", "ResultIsNotReady", "UserAlreadyLoggedIn"}
	n := 0
	for end := w.centre.Until().Add(7 * time.Hour); w.watch.Now().Before(end); w.watch.move(25 * time.Minute) {
		w.Fail(troubles[n%len(troubles)])
		if n++; n%5 == 0 {
			w.Forget()
		}
		if err := w.drain(); err != nil {
			t.Log(err)
		}
	}
	if err := w.drain(); err != nil {
		t.Fatal(err)
	}
	w.compare(w.centre.Until())
	w.sound()
}

// The source at work, rather than draining: flows of their own pace, one call at a time, until it is told to stop.
func TestRunning(t *testing.T) {
	w := newWorld(t, usual, vendor.Options{}, account+everyone+"  statuses: {}\n")
	d := w.deps()
	d.Drain = false
	end := w.watch.Now().Add(90 * time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	d.Watch = &stopping{w.watch, end, stop}
	s, err := open(decoded(t, "url: "+w.url+"\n"+w.options), d)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(ctx, nil, w.out); err != nil {
		t.Fatal(err)
	}
	if len(w.out.contacts) < 20 || len(w.out.states) < 40 || w.out.marks["contact"] == 0 || w.out.marks["agent_state"] == 0 {
		t.Errorf("%d contacts, %d states, marks %v", len(w.out.contacts), len(w.out.states), w.out.marks)
	}
	w.sound()
}

// stopping is a watch that stops the run at an instant.
type stopping struct {
	*hands
	end  time.Time
	stop func()
}

func (u *stopping) Sleep(ctx context.Context, d time.Duration) error {
	if u.Now().After(u.end) {
		u.stop()
	}
	return u.hands.Sleep(ctx, min(d, 10*time.Second))
}

// An agent and a skill that are deleted lose their names in the reports, for what was as well: what was read before is told under
// [Deleted] then, and nothing twice.
func TestDeleted(t *testing.T) {
	w := newWorld(t, usual, vendor.Options{Faults: vendor.Faults{Lag: 5 * time.Minute, LagMost: 10 * time.Minute}},
		account+"streams:\n  users: {}\n  agent_states: {revisit_back: 50h}\n  calls: {revisit_back: 50h}\n  digital: {revisit_back: 50h}\n")
	w.until(w.centre.Until().Add(time.Hour), 2*time.Hour)
	busy := map[string]int{}
	for agent, states := range w.out.newestStates() {
		busy[agent] = len(states)
	}
	agent := slices.MaxFunc(slices.Sorted(maps.Keys(busy)), func(a, b string) int { return busy[a] - busy[b] })
	skill := w.centre.Queues(centre.Five9)[0].Name
	contacts, states := map[string]int{}, 0
	for _, c := range w.out.newestContacts() {
		contacts["all"]++
		if c.AgentID == agent {
			contacts["agent"]++
		}
		if c.QueueID == skill {
			contacts["skill"]++
		}
	}
	states = len(w.out.newestStates()[agent])
	w.Delete(agent)
	w.Delete(skill)
	for range 2 { // all is read again, in windows with other ends
		w.watch.move(6*time.Hour + 40*time.Minute)
		if err := w.drain(); err != nil {
			t.Fatal(err)
		}
	}
	now := map[string]int{}
	for _, c := range w.out.newestContacts() {
		now["all"]++
		if c.AgentID == "[Deleted]" {
			now["agent"]++
		}
		if c.QueueID == "[Deleted]" {
			now["skill"]++
		}
		if c.AgentID == agent || c.QueueID == skill {
			t.Errorf("%s keeps its old name", visit(c))
		}
	}
	if diff := cmp.Diff(contacts, now); diff != "" || contacts["agent"] == 0 || contacts["skill"] == 0 {
		t.Errorf("contacts (- before, + after):\n%s", diff)
	}
	left := w.out.newestStates()
	if len(left["[Deleted]"]) != states || len(left[agent]) > 1 || len(left[agent]) == 1 && left[agent][0].State != schemas.StateLoggedOut { // of that it cannot be told
		t.Errorf("%d states of nobody, and %d before; %d are left: %+v", len(left["[Deleted]"]), states, len(left[agent]), left[agent])
	}
	w.sound()
}

// Raw answers are kept where the option asks for it.
func TestKeepRaw(t *testing.T) {
	w := newWorld(t, usual, vendor.Options{}, account+"keep_raw: 48h\nback: 1h\nstreams: {calls: {}}\n")
	var kept []ingest.Raw
	d := w.deps()
	d.Raw = func(_ context.Context, r ingest.Raw) error {
		kept = append(kept, r)
		return nil
	}
	s, err := open(decoded(t, "url: "+w.url+"\n"+w.options), d)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), nil, w.out); err != nil {
		t.Fatal(err)
	}
	if len(kept) != 1 || !strings.HasPrefix(string(kept[0].Payload), "CALL ID,TIMESTAMP,") || kept[0].Keep != 48*time.Hour || kept[0].Stream != "calls" {
		t.Errorf("%+v", kept)
	}
}

func TestCheck(t *testing.T) {
	f := func(options string, o vendor.Options, change func(w *world), want ...string) {
		t.Helper()
		w := newWorld(t, usual, o, options)
		if change != nil {
			change(w)
		}
		var got []string
		err := Registration.Check(t.Context(), decoded(t, "url: "+w.url+"\n"+w.options), w.deps(), func(f ingest.Finding) {
			got = append(got, string(f.Outcome)+" "+f.What+": "+f.Detail)
		})
		if err != nil {
			t.Error(err)
		}
		for _, g := range got {
			if strings.Contains(g, vendor.Password) {
				t.Errorf("the password is shown: %s", g)
			}
		}
		for _, text := range want {
			if !slices.ContainsFunc(got, func(g string) bool { return strings.Contains(g, text) }) {
				t.Errorf("nothing says %q:\n%s", text, strings.Join(got, "\n"))
			}
		}
		w.sound()
	}
	f(account+everyone+"  statuses: {}\n", vendor.Options{}, nil, "ok credentials: the configuration web service answers user wfm-api", "clock", "ok quota of reports per day: 0 of 800",
		"ok users: 12 users, 11 of them with an e-mail address", "ok report WFM Reports/WFM Agent States: 13 columns", "ok report WFM Reports/WFM Call Log: 28 columns",
		"ok report WFM Reports/WFM Digital", "ok statistics of agent states: 11 agents")
	f("username: wfm-api\npassword: wrong\n"+everyone, vendor.Options{}, nil, "failed credentials: ", "are not accepted")
	f(account+"folder: Wfm\nstreams: {calls: {}}\n", vendor.Options{}, nil, `failed report Wfm/WFM Call Log: `, "case-sensitive")
	f(account+"folder: Call Log Reports\nstreams: {calls: {report: Call Log}}\n", vendor.Options{}, nil, `failed report Call Log Reports/Call Log: report "Call Log" has no column "SKILL" (skill)`)
	f(account+"streams: {agent_states: {every: 2m}, calls: {}}\n", vendor.Options{}, nil, "warning quota of reports per day: 0 of 800 are spent; the streams need about")
	f(account+"streams: {calls: {}}\n", vendor.Options{}, func(w *world) { w.Fail("AccessDisallowed") }, "failed rights: ", "the administrator role")
	f(account+"streams: {calls: {}}\n", vendor.Options{}, func(w *world) { w.url = "http://127.0.0.1:1" }, "failed host: ", "connection refused")
}

func TestSample(t *testing.T) {
	node, list := spec.Document("sample.yaml", []byte(sample))
	if err := spec.Err(list); err != nil {
		t.Fatal(err)
	}
	var byName map[string]yaml.Node
	if err := node.Decode(&byName); err != nil {
		t.Fatal(err)
	}
	inner, o := byName["five9-us"], new(Options)
	env := spec.Environment{"FIVE9_USER": "u", "FIVE9_PASSWORD": "p"}
	if err := spec.Err(spec.Decode(&inner, o, spec.Source{File: "sample.yaml", Also: []string{"type"}, Env: env})); err != nil {
		t.Fatal(err)
	}
	if o.Streams.Calls == nil || o.Streams.Statuses == nil || o.Streams.Calls.Every != 15*time.Minute || o.Streams.Digital.Lag != 30*time.Minute || o.Streams.AgentStates.Lag != 10*time.Minute {
		t.Errorf("%+v", o)
	}
	if diff := cmp.Diff([]string{"contact", "agent_state"}, Registration.Facts(o)); diff != "" {
		t.Error(diff)
	}
}

func TestValidate(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		o := new(Options)
		node, list := spec.Document("p.yaml", []byte(text))
		if len(list) == 0 {
			list = spec.Decode(node, o, spec.Source{File: "p.yaml", Path: "ingest.five9", Also: []string{"type"}})
		}
		got := ""
		if err := spec.Err(list); err != nil {
			got = err.Error()
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
		if strings.Contains(got, vendor.Password) {
			t.Errorf("%q shows the password", got)
		}
	}
	f(account+everyone, "")
	f(account, `required option "streams" is missing`)
	f(account+"streams: {}\n", "names no stream")
	f(account+"streams: {calls: {evry: 5m}}\n", `unknown option "evry" in ingest.five9.streams.calls: did you mean "every"?`)
	f(account+"streams: {calls: {every: 20s}}\n", "streams.calls.every is 20s: at least 1m")
	f(account+"streams: {calls: {columns: {skil: X}}}\n", "streams.calls.columns.skil is no column that this stream reads: known are call_id")
	f(account+"streams: {calls: {call_types: {Manual: outbond}}}\n", `streams.calls.call_types.Manual is "outbond", not one of inbound, outbound, internal, callback, leave_out: did you mean "outbound"?`)
	f(account+"streams: {calls: {dispositions: {X: handeld}}}\n", `did you mean "handled"?`)
	f(account+"streams: {calls: {fields: {ofered_at: x}}}\n", `did you mean "offered_at"?`)
	f(account+"streams: {calls: {fields: {segment: '\"x\"'}}}\n", `field "segment"`)
	f(account+"streams: {agent_states: {states: {Ready: availible}}}\n", `did you mean "available"?`)
	f(account+"streams: {statuses: {}}\n", "streams.statuses needs agent_states beside it")
	f(account+"streams: {agent_states: {}, statuses: {every: 1s}}\n", "streams.statuses.every is 1s: at least 5s")
	f(account+"streams: {agent_states: {}, statuses: {username: x}}\n", "go together")
	f(account+"streams: {agent_states: {}, statuses: {session: {apType: x}}}\n", `did you mean "appType"?`)
	f(account+"host: https://api.five9.com\n"+everyone, "leave out https://")
	f(account+"url: api.five9.com\n"+everyone, "not a URL")
	f(account+"report_poll: 10ms\n"+everyone, "at least 1s")
	f(account+"streams: {calls: {cron: 'each hour'}}\n", `streams.calls.cron is "each hour", not five fields`)
	f(account+"streams: {calls: {lag: -1m}}\n", "streams.calls.lag is -1m0s: at least 0s")
}
