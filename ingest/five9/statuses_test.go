package five9

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/five9"
	"github.com/quarterhour/quarterhour/schemas"
)

// onset is the beginning of a state of an agent.
type onset struct {
	agent string
	at    int64 // milliseconds
}

// changes are those of the centre's agents between two instants, and how long each state lasts.
func (w *world) changes(from, to time.Time) map[onset]time.Duration {
	all := map[onset]time.Duration{}
	for n := 0; ; n++ {
		d := w.centre.Day(centre.Five9, n)
		if d == nil {
			return all
		}
		for _, a := range d.Agents {
			for i, s := range a.States {
				lasts := time.Hour
				if i+1 < len(a.States) {
					lasts = d.At(a.States[i+1].At).Sub(d.At(s.At))
				}
				if at := d.At(s.At); !at.Before(from) && at.Before(to) {
					all[onset{a.ID, at.UnixMilli()}] = lasts
				}
			}
		}
	}
}

// From the vendor's change to the fact in the log: statuses are told within two minutes by the flows' own schedules, what is true is
// never withdrawn while the report lags behind, and nothing is left in the end that the report does not have.
func TestStatuses(t *testing.T) {
	w := newWorld(t, usual, vendor.Options{Faults: vendor.Faults{Lag: 5 * time.Minute, LagMost: 10 * time.Minute, Twice: 50}},
		account+"streams:\n  agent_states: {}\n  statuses: {}\n")
	s := w.source()
	flows, err := s.flows(nil)
	if err != nil {
		t.Fatal(err)
	}
	due := map[string]time.Time{}
	// turn runs the flow that is due next, as the watch moves for one flow at a time: the user makes one call at a time, too.
	turn := func(flows ...flow.Flow) string {
		t.Helper()
		next := flows[0]
		for _, f := range flows {
			if due[f.Name].Before(due[next.Name]) {
				next = f
			}
		}
		w.watch.move(due[next.Name].Sub(w.watch.Now()))
		due[next.Name] = w.watch.Now().Add(next.Schedule.Every)
		if err := flow.Run(t.Context(), []flow.Flow{next}, w.out.cursor, w.out, flow.Options{Deps: s.deps}); err != nil {
			t.Fatal(err)
		}
		return next.Name
	}
	began := w.watch.Now()
	end := began.Add(2 * time.Hour)
	var invented *schemas.AgentState
	for w.watch.Now().Before(end) {
		if turn(flows...) == "statuses" && invented == nil && w.watch.Now().Sub(began) > 30*time.Minute {
			invented = w.invent(s.board)
		}
	}
	changes := w.changes(began, end.Add(-2*time.Minute))
	first := map[onset]time.Time{}
	withdrawn := 0
	for i, fact := range w.out.facts {
		a := fact.(*schemas.AgentState)
		c := onset{a.AgentID, a.StartedAt}
		_, so := changes[c]
		switch {
		case a.Retracted && so:
			t.Errorf("at %s it was withdrawn that %s began %s", w.out.at[i], a.AgentID, time.UnixMilli(a.StartedAt).UTC())
		case a.Retracted:
			withdrawn++
		case first[c].IsZero():
			first[c] = w.out.at[i]
		}
	}
	told := 0
	for c, lasts := range changes {
		if lasts < 2*time.Minute { // the next poll may find a later one; the report tells of it
			continue
		}
		told++
		if late := first[c].Sub(time.UnixMilli(c.at)); first[c].IsZero() || late > 2*time.Minute {
			t.Errorf("%s began a state at %s, which was told at %s", c.agent, time.UnixMilli(c.at).UTC(), first[c])
		}
	}
	if told < 30 || invented == nil || first[onset{invented.AgentID, invented.StartedAt}].IsZero() {
		t.Fatalf("%d changes, and invented %+v: the test shows nothing", told, invented)
	}
	for until := end.Add(2 * time.Hour); w.watch.Now().Before(until); {
		turn(flows[0])
	}
	stand := func() (list []string) {
		for agent, states := range w.out.newestStates() {
			for _, a := range states {
				if a.StartedAt >= began.UnixMilli() && a.StartedAt < end.UnixMilli() {
					list = append(list, fmt.Sprintf("%s %s %s %s", agent, a.StateID, a.State, a.Reason))
				}
			}
		}
		slices.Sort(list)
		return list
	}
	both := stand()
	w.options, w.out = "report_timezone: America/Los_Angeles\n"+account+"streams: {agent_states: {}}\n", &recorder{watch: w.watch}
	if err := w.drain(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stand(), both); diff != "" || withdrawn == 0 {
		t.Errorf("%d withdrawn (- by the report alone, + with statuses):\n%s", withdrawn, short(diff))
	}
	w.sound()
}

// invent lets the board show a state that never was, of an agent who goes on being ready; nil where nobody does.
func (w *world) invent(b *board) *schemas.AgentState {
	w.Helper()
	soon := w.changes(w.watch.Now().Add(-time.Minute), w.watch.Now().Add(3*time.Minute))
	for _, agent := range slices.Sorted(maps.Keys(b.rows)) {
		cells := slices.Clone(b.rows[agent])
		if cells[b.at[statusState]] != "Ready" || slices.ContainsFunc(slices.Collect(maps.Keys(soon)), func(c onset) bool { return c.agent == agent }) {
			continue
		}
		at := w.watch.Now().Add(-5 * time.Second).Truncate(time.Second)
		cells[b.at[statusState]], cells[b.at[statusSince]] = "Not Ready", time.UnixMilli(at.UnixMilli()+b.offset).UTC().Format("2006-01-02 15:04:05")
		b.rows[agent] = cells
		return &schemas.AgentState{AgentID: agent, StartedAt: at.UnixMilli()}
	}
	return nil
}
