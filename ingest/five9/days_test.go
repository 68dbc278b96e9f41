package five9

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/five9"
	"github.com/quarterhour/quarterhour/schemas"
)

// visit is what matters of a contact.
func visit(c schemas.Contact) string {
	ms := func(v int64) string {
		if v == schemas.Null {
			return "-"
		}
		return time.UnixMilli(v).UTC().Format("02T15:04:05")
	}
	return fmt.Sprintf("%s q=%s a=%s offered %s answered %s ended %s hold %d wrap %d %s %s %s", c.InteractionID, c.QueueID, c.AgentID, ms(c.OfferedAt),
		ms(c.AnsweredAt), ms(c.EndedAt), max(c.HoldMs, 0), max(c.WrapMs, 0), c.Channel, c.Direction, c.Outcome)
}

// happened are the contacts of the centre that were over by an instant.
func (w *world) happened(through time.Time) (list []string) {
	w.centre.Visits(centre.Five9, w.centre.From, through, func(d *simulator.Day, v *simulator.Contact) bool {
		if end := max(v.Ended, v.WrapEnd); d.At(end).After(through) {
			return true
		}
		at := func(ms int64) int64 {
			if ms < 0 {
				return schemas.Null
			}
			return d.At(ms).UnixMilli()
		}
		c := schemas.Contact{
			InteractionID: v.Interaction, OfferedAt: at(v.Offered), AnsweredAt: at(v.Answered), EndedAt: at(v.Ended), HoldMs: v.Hold, Channel: "voice",
		}
		if v.WrapEnd > v.Ended {
			c.WrapMs = v.WrapEnd - v.Ended
		}
		if v.Queue >= 0 {
			c.QueueID, c.Channel = d.Queues[v.Queue].ID, d.Queues[v.Queue].Channel
		}
		if v.Agent != nil {
			c.AgentID = v.Agent.ID
		}
		if v.Direction == "outbound" {
			c.Direction = schemas.DirectionOutbound
		}
		for o := schemas.OutcomeUnknown; o <= schemas.OutcomeVoicemail; o++ {
			if o.String() == v.Outcome {
				c.Outcome = o
			}
		}
		c.InteractionID = w.centre.Number('3', 15, "call", v.Interaction)
		if c.Channel != "voice" {
			id := w.centre.Number('0', 12, "session", v.Interaction)
			c.InteractionID = fmt.Sprintf("5D3A%s-77AB-4E0C-9F11-%s", id[:4], id)
		}
		list = append(list, visit(c))
		return true
	})
	slices.Sort(list)
	return list
}

// told are the contacts of the log.
func (w *world) told() (list []string) {
	for _, c := range w.out.newestContacts() {
		list = append(list, visit(c))
	}
	slices.Sort(list)
	return list
}

// stays are an agent's states with what follows a state of no length dropped, and equal neighbours joined.
func stays(list []schemas.AgentState) (out []string) {
	last := ""
	for i, s := range list {
		if i+1 < len(list) && list[i+1].StartedAt == s.StartedAt {
			continue
		}
		reason := s.Reason
		if s.State == schemas.StateLoggedOut {
			reason = ""
		}
		now := s.State.String() + " " + reason
		if now != last {
			out = append(out, time.UnixMilli(s.StartedAt).UTC().Format("02T15:04:05 ")+now)
		}
		last = now
	}
	return out
}

// lived are the states of the centre's agents up to an instant.
func (w *world) lived(through time.Time) map[string][]string {
	by := map[string][]string{}
	for n := 0; ; n++ {
		d := w.centre.Day(centre.Five9, n)
		if d == nil {
			return by
		}
		for _, a := range d.Agents {
			last := ""
			for _, s := range a.States {
				if d.At(s.At).Before(through) {
					state := strings.TrimSpace(s.State) + " " + s.Reason
					if state != last {
						by[a.ID] = append(by[a.ID], d.At(s.At).UTC().Format("02T15:04:05 ")+state)
					}
					last = state
				}
			}
		}
	}
}

func (w *world) compare(through time.Time) {
	w.Helper()
	if diff := cmp.Diff(w.happened(through), w.told()); diff != "" {
		w.Errorf("contacts (- happened, + told):\n%s", short(diff))
	}
	got := map[string][]string{}
	for agent, list := range w.out.newestStates() {
		got[agent] = stays(list)
	}
	if diff := cmp.Diff(w.lived(through), got); diff != "" {
		w.Errorf("states (- lived, + told):\n%s", short(diff))
	}
}

func short(s string) string {
	const most = 4000
	return s[:min(len(s), most)]
}

// Days of a centre with late, wrong, doubled and vanishing rows, hidden and cut open states: in the end the log says what happened,
// and no rule of the vendor was broken.
func TestDays(t *testing.T) {
	f := func(name string, p place, o vendor.Options, options string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, p, o, account+options)
			w.until(w.centre.Until().Add(7*time.Hour), 25*time.Minute)
			w.compare(w.centre.Until())
			w.sound()
			if len(w.out.dead) > 0 {
				t.Errorf("%d dead letters, the first %+v", len(w.out.dead), w.out.dead[0])
			}
			if got, want := len(w.out.workers), len(w.centre.Accounts(centre.Five9))+1; got != want { // the user who asks is one
				t.Errorf("%d worker facts of %d users", got, want)
			}
			t.Log(w.Calls())
		})
	}
	f("usual", usual, vendor.Options{}, everyone)
	f("end counted in", usual, vendor.Options{InclusiveEnd: true}, everyone)
	f("clocks go back", fallBack, vendor.Options{}, everyone)
	f("clocks went back", afterwards, vendor.Options{}, everyone)
	f("clocks go forward", springForward, vendor.Options{}, everyone)
	f("cut short", usual, vendor.Options{MostCSV: 300}, everyone+"max_rows: 300\n")
	f("rows", usual, vendor.Options{Most: 300}, everyone+"max_rows: 300\nresult: rows\n")
	// Rows that appear, and are put right, long after the overlap: only what is read again now and then finds them.
	late := vendor.DefaultFaults()
	late.Late, late.LateBy, late.Wrong, late.Corrected = 10, 3*time.Hour, 10, 2*time.Hour
	f("very late", usual, vendor.Options{Faults: late}, "streams:\n"+
		"  users: {}\n  agent_states: {revisit_every: 3h}\n  calls: {revisit_every: 3h}\n  digital: {revisit_every: 3h}\n")
	f("statuses", usual, vendor.Options{}, everyone+"  statuses: {}\n")
}

// Where it is morning in London, clocks change in Los Angeles: both hours that the reports call 01:00 to 02:00 are busy.
var (
	fallBack = place{
		zone: "Europe/London", reports: "America/Los_Angeles", from: "2026-11-01", at: "2026-11-01 07:30", days: 1, size: centre.Size{Agents: 24, Queues: 6, Contacts: 700},
	}
	springForward = place{
		zone: "Europe/London", reports: "America/Los_Angeles", from: "2026-03-08", at: "2026-03-08 07:30", days: 1, size: centre.Size{Agents: 10, Queues: 6, Contacts: 400},
	}
	afterwards = place{ // all of it is read the day after
		zone: "Europe/London", reports: "America/Los_Angeles", from: "2026-11-01", at: "2026-11-01 23:30", days: 1, size: centre.Size{Agents: 10, Queues: 6, Contacts: 400},
	}
)
