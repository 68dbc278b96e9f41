package gladly_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/gladly"
)

// line is an event as a client reads it.
type line struct {
	ID, Type  string
	Timestamp time.Time
	Initiator *struct{ ID, Type string }
	Content   struct {
		AgentID        string
		OccurredAt     time.Time
		AwayAt         time.Time
		AvailableFor   *[]string
		AwayReason     *struct{ ID, Name string }
		ContactID      string
		ConversationID string
		Channel        string
		Status         string
	}
}

func query(from, to time.Time, entities ...string) string {
	q := url.Values{"startAt": {from.UTC().Format(time.RFC3339Nano)}, "entities": entities}
	if !to.IsZero() {
		q.Set("endAt", to.Format(time.RFC3339Nano))
	}
	return "/events?" + q.Encode()
}

func (v *vendor) lines(from, to time.Time, entities ...string) (list []line) {
	v.Helper()
	a, body := v.expect(http.StatusOK, "", "GET", query(from, to, entities...), nil)
	if got := a.Header.Get("Content-Type"); got != "application/x-jsonlines" {
		v.Errorf("content type %q", got)
	}
	for text := range strings.Lines(body) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			v.Fatalf("line %q: %v", text, err)
		}
		list = append(list, l)
	}
	return list
}

func TestWhatEventsRefuses(t *testing.T) {
	v := open(t, gladly.Options{})
	f := func(attr, code, query string) {
		t.Helper()
		v.watch.add(time.Second)
		_, body := v.expect(http.StatusBadRequest, `{"errors":[{"attr":"`+attr+`","code":"`+code+`"`, "GET", "/events?"+query, nil)
		if !strings.Contains(body, `"detail":"`) {
			t.Errorf("no detail in %q", body)
		}
	}
	now := v.watch.Now().UTC()
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	f("startAt", "blank", "entities=CONTACT")
	f("startAt", "invalid", "entities=CONTACT&startAt=yesterday")
	f("startAt", "invalid", "entities=CONTACT&startAt="+at(-24*time.Hour-time.Minute))
	f("startAt", "invalid", "entities=CONTACT&startAt="+at(-time.Hour)+"&endAt="+at(-2*time.Hour))
	f("startAt", "invalid", "entities=CONTACT&startAt="+at(time.Hour))
	f("endAt", "invalid", "entities=CONTACT&startAt="+at(-time.Hour)+"&endAt=now")
	f("startAt", "invalid", "entities=CONTACT&startAt=2026-03-28T11:00:00+01:00") // a plus that is not encoded is a space
	f("entities", "blank", "startAt="+at(-time.Hour))
	f("entities", "invalid", "startAt="+at(-time.Hour)+"&entities=AGENT")
	v.watch.add(time.Second)
	v.expect(http.StatusOK, "", "GET", query(now.Add(-23*time.Hour-59*time.Minute), time.Time{}, "CONTACT"), nil)
	night := v.centre.From.Add(2 * time.Hour)
	if got := v.lines(night, night.Add(time.Hour), "CONTACT"); len(got) != 0 {
		t.Errorf("%d contacts at night", len(got))
	}
}

func TestOrderAndLateness(t *testing.T) {
	v := open(t, gladly.Options{Novelties: 50})
	v.watch.set(v.centre.From.Add(23 * time.Hour))
	list := v.lines(v.centre.From, time.Time{}, "AGENT_STATUS", "AGENT_AVAILABILITY", "CONTACT", "CONVERSATION")
	ids, kinds, late, fractions := map[string]bool{}, map[string]int{}, 0, map[int]int{}
	for i, l := range list {
		if i > 0 && l.Timestamp.Before(list[i-1].Timestamp) {
			t.Errorf("event %d is out of order", i)
		}
		if ids[l.ID] || len(l.ID) != 22 {
			t.Errorf("id %q", l.ID)
		}
		ids[l.ID] = true
		kinds[l.Type]++
		fractions[l.Timestamp.Nanosecond()%1000]++
		if o := l.Content.OccurredAt; !o.IsZero() {
			if !o.Before(l.Timestamp) {
				t.Errorf("%s occurred at %v and was recorded at %v", l.Type, o, l.Timestamp)
			}
			if l.Timestamp.Sub(o) > time.Second {
				late++
			}
		}
		if (l.Initiator == nil) != (l.Type == "CONVERSATION_STATUS/UPDATED") {
			t.Errorf("%s has initiator %v", l.Type, l.Initiator)
		}
	}
	if late == 0 || len(fractions) < 2 || kinds["AGENT_STATUS/HOLOGRAM_PROJECTED"]+kinds["CONTACT/HOLOGRAM_PROJECTED"] == 0 {
		t.Errorf("%d late, %d kinds of fraction, %v", late, len(fractions), kinds)
	}
	for _, kind := range []string{
		"AGENT_AVAILABILITY/UPDATED", "AGENT_AVAILABILITY/FOCUS_ENTERED", "AGENT_AVAILABILITY/FOCUS_EXITED", "AGENT_STATUS/LOGGED_IN", "AGENT_STATUS/LOGGED_OUT", "AGENT_STATUS/WENT_AWAY", "AGENT_STATUS/RETURNED_FROM_AWAY",
		"CONTACT/STARTED", "CONTACT/OFFERED", "CONTACT/OFFER_ACCEPTED", "CONTACT/OFFER_REJECTED", "CONTACT/ENDED", "CONTACT/FULFILLED", "CONTACT/MESSAGE_SENT",
		"CONVERSATION/CREATED", "CONVERSATION/CLOSED", "CONVERSATION/REOPENED", "CONVERSATION_ASSIGNEE/UPDATED",
	} {
		if kinds[kind] == 0 {
			t.Errorf("no %s", kind)
		}
	}
	for _, l := range v.lines(v.centre.From, time.Time{}, "AGENT_STATUS") {
		if !strings.HasPrefix(l.Type, "AGENT_STATUS/") {
			t.Errorf("asked for AGENT_STATUS, got %s", l.Type)
		}
	}
}

// What is recorded earlier may show later: a client that reads from the last timestamp on misses events, one that goes back does not.
func TestEventsShowLate(t *testing.T) {
	v := open(t, gladly.Options{})
	all, begin := []string{"AGENT_STATUS", "AGENT_AVAILABILITY", "CONTACT", "CONVERSATION"}, v.centre.From.Add(12*time.Hour)
	read := func(overlap time.Duration) map[string]bool {
		seen, through := map[string]bool{}, begin
		v.watch.set(begin)
		for range 60 {
			v.watch.add(time.Minute)
			for _, l := range v.lines(through.Add(-overlap), time.Time{}, all...) {
				if seen[l.ID] = true; l.Timestamp.After(through) {
					through = l.Timestamp
				}
			}
		}
		return seen
	}
	naive, careful := read(0), read(time.Minute)
	v.watch.add(time.Minute)
	missed := 0
	for _, l := range v.lines(begin, begin.Add(59*time.Minute), all...) {
		if !careful[l.ID] {
			t.Errorf("%s at %v was never shown within a minute", l.Type, l.Timestamp)
		}
		if !naive[l.ID] {
			missed++
		}
	}
	if missed == 0 {
		t.Error("no event showed late")
	}
}

func TestStreamsAreCut(t *testing.T) {
	v := open(t, gladly.Options{Faults: gladly.Faults{CutEvery: 2}})
	_, whole := v.ask("GET", query(v.centre.From, time.Time{}, "CONTACT"), nil)
	var broken, short int
	for range 3 {
		_, cut := v.ask("GET", query(v.centre.From, time.Time{}, "CONTACT"), nil)
		text, err, _ := strings.Cut(cut, "\nunexpected EOF")
		switch {
		case text == whole || !strings.HasPrefix(whole, text) || strings.HasSuffix(text, "\n"):
			t.Errorf("cut to %d of %d bytes", len(text), len(whole))
		case len(text) < len(cut):
			broken++
		default:
			short++
		}
		_ = err
		if _, again := v.ask("GET", query(v.centre.From, time.Time{}, "CONTACT"), nil); again != whole {
			t.Error("the next stream is not whole")
		}
	}
	if broken == 0 || short == 0 {
		t.Errorf("%d broke, %d ended short", broken, short)
	}
}

// The states that follow from the events, and nothing else, give the truth about agents.
func TestEventsTellTheTruthAboutAgents(t *testing.T) {
	v := open(t, gladly.Options{Novelties: 20, Idle: 4})
	states, idle := map[string][]line{}, 0
	for n := range v.centre.Days {
		from := v.centre.From.AddDate(0, 0, n)
		v.watch.set(from.Add(23 * time.Hour))
		for _, l := range v.lines(from, time.Time{}, "AGENT_STATUS", "AGENT_AVAILABILITY") {
			if !l.Content.OccurredAt.IsZero() {
				states[l.Content.AgentID] = append(states[l.Content.AgentID], l)
			}
		}
	}
	day := &simulator.Day{Options: simulator.Options{Date: v.centre.From}}
	for id, list := range states {
		slices.SortStableFunc(list, func(a, b line) int { return a.Content.OccurredAt.Compare(b.Content.OccurredAt) })
		a := &simulator.Agent{ID: id}
		for _, l := range list {
			st := simulator.State{At: l.Content.OccurredAt.Sub(day.Date).Milliseconds()}
			switch l.Type {
			case "AGENT_STATUS/LOGGED_IN", "AGENT_STATUS/RETURNED_FROM_AWAY":
				st.State = "available"
			case "AGENT_STATUS/WENT_AWAY":
				if st.State, st.Reason = "not_ready", "idle"; l.Content.AwayReason != nil {
					st.Reason = l.Content.AwayReason.Name
				} else {
					idle++
				}
			case "AGENT_STATUS/LOGGED_OUT":
				st.State = "logged_out"
			case "AGENT_AVAILABILITY/UPDATED":
				if l.Content.AvailableFor == nil {
					t.Error("availableFor is missing")
				}
				continue
			default:
				continue
			}
			a.States = append(a.States, st)
		}
		day.Agents = append(day.Agents, a)
	}
	want := v.Truth(rules, v.centre.Until()).Agents
	for key := range want { // contacts are not what this is about
		if delete(want[key], "concurrency_ms"); len(want[key]) == 0 {
			delete(want, key)
		}
	}
	if diff := cmp.Diff(want, day.Truth(rules).Agents); diff != "" {
		t.Error(diff)
	}
	for _, row := range want {
		if row["on_contact_ms"]+row["wrap_ms"] != 0 || row["login_ms"] != row["available_ms"]+row["not_ready_ms"] {
			t.Fatalf("row %v", row)
		}
	}
	if at := v.centre.Day(centre.Gladly, 0); idle == 0 || len(want) == 0 || len(at.Agents) != len(states) {
		t.Errorf("%d rows of %d agents", len(want), len(states))
	}
}

var rules = simulator.Rules{Interval: 15 * time.Minute, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}
