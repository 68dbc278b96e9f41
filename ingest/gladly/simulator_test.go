package gladly

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/gladly"
	"github.com/quarterhour/quarterhour/schemas"
)

// simulated is a Gladly over HTTP, and a log that reads it.
type simulated struct {
	*world
	*vendor.Server
	centre  *centre.Centre
	options *Options
}

func simulate(t testing.TB, o vendor.Options, days int, more string) *simulated {
	t.Helper()
	return simulateBy(t, func(l *leap) clock.Watch { return l }, o, days, more)
}

// simulateBy is simulate with another watch for the vendor.
func simulateBy(t testing.TB, by func(*leap) clock.Watch, o vendor.Options, days int, more string) *simulated {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c, err := centre.New(centre.Options{
		Seed: 11, From: time.Date(2026, 3, 27, 0, 0, 0, 0, zone), Days: days,
		Sizes: map[centre.Vendor]centre.Size{centre.Gladly: {Agents: 5, Queues: 3, Contacts: 70}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &simulated{world: newWorld(t, c.From), centre: c}
	s.Server = vendor.New(c, by(s.watch), o)
	web := httptest.NewServer(s.Server)
	t.Cleanup(web.Close)
	t.Cleanup(func() { _ = s.Server.Close() })
	var problem string
	s.options, problem = options(t, "url: "+web.URL+"\nemail: api@example.test\napi_token: gladly-token\n"+more)
	if problem != "" {
		t.Fatal(problem)
	}
	return s
}

// run reads in steps of simulated time, each in a process of its own.
func (s *simulated) run(step time.Duration, until time.Time) {
	s.Helper()
	for at := s.watch.Now(); !at.After(until); at = at.Add(step) {
		if at.After(s.watch.Now()) {
			s.watch.set(at)
		}
		if err := s.drain(s.options); err != nil {
			s.Fatal(err)
		}
	}
}

// readOn reads to the end, hours after the last day, by another process.
func (s *simulated) readOn(t testing.TB) {
	t.Helper()
	s.run(3*time.Hour, s.centre.Until().Add(6*time.Hour))
}

// expected is what the centre's days say of contacts.
func (s *simulated) expected() []string {
	var list []string
	for n := range s.centre.Days {
		d := s.centre.Day(centre.Gladly, n)
		midnight := d.Date.UnixMilli()
		for _, c := range d.Contacts {
			if c.Queue < 0 {
				continue
			}
			at := func(ms int64) int64 {
				if ms < 0 {
					return -1
				}
				return midnight + ms
			}
			agent, wrapped := "", int64(-1)
			if c.Agent != nil {
				agent, wrapped = c.Agent.ID, c.WrapEnd-c.Ended
			}
			list = append(list, fmt.Sprintln(d.Queues[c.Queue].ID, d.Queues[c.Queue].Channel, agent, at(c.Offered), at(c.Answered), at(c.Ended), wrapped))
		}
	}
	slices.Sort(list)
	return list
}

func (s *simulated) found() []string {
	var list []string
	none := func(ms int64) int64 { return max(ms, -1) }
	for _, c := range s.contacts {
		if !c.Retracted {
			list = append(list, fmt.Sprintln(c.QueueID, c.Channel, c.AgentID, none(c.OfferedAt), none(c.AnsweredAt), none(c.EndedAt), none(c.WrapMs)))
		}
	}
	slices.Sort(list)
	return list
}

// lived is how long every agent was in each state, by the centre's days, and by the facts.
func (s *simulated) lived() (want, got map[string]int64) {
	want, got = map[string]int64{}, map[string]int64{}
	for n := range s.centre.Days {
		for _, a := range s.centre.Day(centre.Gladly, n).Agents {
			for i, st := range a.States {
				if st.State == "logged_out" {
					continue
				}
				state := "available"
				if st.State == "not_ready" {
					state = strings.TrimSpace("not_ready " + st.Reason)
				}
				want[a.ID+" "+state] += a.States[i+1].At - st.At
			}
		}
	}
	byAgent := map[string][]schemas.AgentState{}
	for _, a := range s.states {
		byAgent[a.AgentID] = append(byAgent[a.AgentID], a)
	}
	for id, list := range byAgent {
		slices.SortFunc(list, func(a, b schemas.AgentState) int { return int(a.StartedAt - b.StartedAt) })
		for i, a := range list {
			if a.State == schemas.StateLoggedOut || i+1 == len(list) {
				continue
			}
			if a.State == schemas.StateAvailable {
				a.Reason = "" // what they are active with; the centre has no word for it
			}
			got[strings.TrimSpace(id+" "+a.State.String()+" "+a.Reason)] += list[i+1].StartedAt - a.StartedAt
		}
	}
	return want, got
}

func (s *simulated) verify() {
	s.Helper()
	if diff := cmp.Diff(s.expected(), s.found()); diff != "" {
		s.Errorf("contacts:\n%s", diff)
	}
	want, got := s.lived()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("states:\n%s", diff)
	}
	if v := s.Violations(); len(v) > 0 {
		s.Errorf("rules of the vendor were broken: %v", v)
	}
	for _, d := range s.letters() {
		s.Error(d)
	}
}

// The source is away for three days: states come from reports, contacts from the work sessions since.
func TestSimulatedOutage(t *testing.T) {
	s := simulate(t, vendor.Options{}, 5, "")
	s.run(2*time.Hour, s.centre.From.Add(34*time.Hour))
	s.watch.set(s.centre.From.Add(34*time.Hour + 74*time.Hour))
	s.run(2*time.Hour, s.centre.Until().Add(4*time.Hour))
	s.verify()
}

// Without the report, events alone tell of contacts, and a report of events after an outage.
func TestSimulatedEventsAlone(t *testing.T) {
	s := simulate(t, vendor.Options{}, 4, "streams: {work_sessions: {every: 0s}}")
	s.run(2*time.Hour, s.centre.From.Add(20*time.Hour))
	s.watch.set(s.centre.From.Add(70 * time.Hour))
	s.run(2*time.Hour, s.centre.Until().Add(4*time.Hour))
	want, got := map[string]int{}, map[string]int{}
	for n := range s.centre.Days {
		for _, c := range s.centre.Day(centre.Gladly, n).Contacts {
			if c.Queue >= 0 && c.Agent != nil {
				want[c.Agent.ID]++
			}
		}
	}
	for _, c := range s.contacts {
		if !c.Retracted && c.AnsweredAt != schemas.Null {
			if c.EndedAt == schemas.Null {
				t.Error("open:", c.InteractionID)
			}
			got[c.AgentID]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contacts answered:\n%s", diff)
	}
}

// Three days, one of 23 hours, read every two hours by a new process each time.
func TestSimulatedDays(t *testing.T) {
	s := simulate(t, vendor.Options{Spaced: true, Novelties: 20, Merges: 15, Faults: vendor.Faults{CutEvery: 3}}, 3, "")
	s.run(2*time.Hour, s.centre.Until().Add(4*time.Hour))
	s.verify()
	if len(s.workers) == 0 {
		t.Error("no workers")
	}
	// Contacts are complete as far as the report, states as far as the events.
	now := s.watch.Now()
	if got := now.Sub(time.UnixMilli(s.marks[contactFact])); got < time.Hour || got > 62*time.Minute {
		t.Errorf("contacts are complete through %s ago", got)
	}
	if got := now.Sub(time.UnixMilli(s.marks[stateFact])); got < 30*time.Second || got > 2*time.Minute {
		t.Errorf("states are complete through %s ago", got)
	}
}

// The organisation's own people run the two reports that are allowed, and later the user loses the right to reports: the other streams go on,
// the credential is not taken for refused, and when reports can be run again all is there.
func TestSimulatedReportsThatAreRefused(t *testing.T) {
	s := simulate(t, vendor.Options{Faults: vendor.Faults{Busy: 2}}, 1, "")
	refused := func(hours int, word string) {
		t.Helper()
		s.watch.set(s.centre.From.Add(time.Duration(hours) * time.Hour))
		err := s.drain(s.options)
		if err == nil || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "statuses") || strings.Contains(err.Error(), "no more calls") {
			t.Errorf("error %v, want %q of the work sessions alone", err, word)
		}
	}
	refused(9, "429")
	s.Break(func(f *vendor.Faults) { f.Busy, f.NoReport = 0, true })
	refused(12, "lacks the right")
	s.Break(func(f *vendor.Faults) { f.NoReport = false })
	s.run(2*time.Hour, s.centre.Until().Add(4*time.Hour))
	s.verify()
}

// An agent to whom a contact is passed on may have a contact session of their own.
func TestSimulatedContactsApart(t *testing.T) {
	s := simulate(t, vendor.Options{Apart: true}, 1, "")
	s.run(2*time.Hour, s.centre.Until().Add(4*time.Hour))
	s.verify()
}
