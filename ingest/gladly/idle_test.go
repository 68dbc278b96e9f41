package gladly

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/gladly"
	"github.com/quarterhour/quarterhour/schemas"
)

// Whoever goes away without a reason was sent away for want of any movement. That may end in a logout without a return, and the reason by
// which it is known is an option, which may count as something else.
func TestIdleAbsences(t *testing.T) {
	f := newFake(t, now)
	line := func(id, at, kind, more string) string {
		return statusLine(id, "2026-03-02T"+at+"Z", "AGENT_STATUS/"+kind, "a", more, 500*time.Millisecond)
	}
	f.events = always(line("1", "09:00:00", "LOGGED_IN", "") + line("2", "09:10:00", "WENT_AWAY", "") +
		line("3", "09:20:00", "RETURNED_FROM_AWAY", `"awayAt":"2026-03-02T09:10:00Z"`) + line("4", "09:30:00", "WENT_AWAY", `"awayReason":null`) +
		line("5", "09:45:00", "LOGGED_OUT", "") + line("6", "10:00:00", "LOGGED_IN", "") +
		line("7", "10:10:00", "WENT_AWAY", `"awayReason":{"id":"x","name":"Lunch"}`) + line("8", "10:20:00", "WENT_AWAY", `"awayReason":{}`))
	for more, want := range map[string]string{
		"":                            "not_ready idle",
		"\nstates: {idle: Sent away}": "not_ready Sent away",
		"\nstates: {idle: Sent away, reasons: {Sent away: available}}":                "available Sent away",
		"\nstates: {reasons: {idle: wrap, Lunch: not_ready}, unavailable: available}": "wrap idle",
	} {
		f.world = newWorld(t, f.world.watch.now)
		f.drain(f.options(only("statuses") + more))
		all := told{
			"a 09:00:00": "available", "a 09:10:00": want, "a 09:20:00": "available", "a 09:30:00": want, "a 09:45:00": "logged_out", "a 10:00:00": "available",
			"a 10:10:00": "not_ready Lunch", "a 10:20:00": want,
		}
		if diff := cmp.Diff(all, f.world.standings()); diff != "" {
			t.Errorf("%s\n%s", more, diff)
		}
	}
}

// Against the vendor's rules, by events and, after an outage, by reports: an absence is idle or has its reason, never another's, and
// lasts as long as it did.
func TestSimulatedIdleAbsences(t *testing.T) {
	s := simulate(t, vendor.Options{Idle: 3}, 4, "states: {idle: by itself}\n")
	s.run(2*time.Hour, s.centre.From.Add(20*time.Hour))
	s.watch.set(s.centre.From.Add(70 * time.Hour))
	s.run(2*time.Hour, s.centre.Until().Add(4*time.Hour))
	found := map[string][]schemas.AgentState{}
	for _, a := range s.states {
		found[a.AgentID] = append(found[a.AgentID], a)
	}
	idle, reasoned := map[int]int{}, 0
	for n := range s.centre.Days {
		day := s.centre.Day(centre.Gladly, n)
		for _, a := range day.Agents {
			for i, st := range a.States {
				if st.State != "not_ready" || i > 0 && a.States[i-1].State == "not_ready" && a.States[i-1].Reason == st.Reason {
					continue
				}
				at := day.Date.UnixMilli() + st.At
				got := slices.IndexFunc(found[a.ID], func(f schemas.AgentState) bool { return f.StartedAt == at && f.State == schemas.StateNotReady })
				switch {
				case got < 0:
					t.Errorf("%s: nothing is known of the absence from %s (%s)", a.ID, time.UnixMilli(at).UTC(), st.Reason)
				case found[a.ID][got].Reason == "by itself":
					idle[n]++
				case found[a.ID][got].Reason == st.Reason:
					reasoned++
				default:
					t.Errorf("%s: reason %q, not %q", a.ID, found[a.ID][got].Reason, st.Reason)
				}
			}
		}
	}
	if len(idle) != 4 || reasoned <= len(idle) {
		t.Errorf("idle absences by day %v, and %d others", idle, reasoned)
	}
	want, got := s.lived()
	if diff := cmp.Diff(absent(want), absent(got)); diff != "" {
		t.Errorf("time away:\n%s", diff)
	}
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("rules of the vendor were broken: %v", v)
	}
}

// absent is how long each agent was away, for whatever reason.
func absent(lived map[string]int64) map[string]int64 {
	all := map[string]int64{}
	for key, ms := range lived {
		if words := strings.Fields(key); words[1] == "not_ready" {
			all[words[0]] += ms
		}
	}
	return all
}
