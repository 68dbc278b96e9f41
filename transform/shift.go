package transform

import (
	"slices"
	"sort"

	"github.com/quarterhour/quarterhour/schemas"
)

// stateShift is the state of an agentState that is a shift: its reason is the activity. No source's state is so.
const stateShift schemas.State = 15

// asState is a shift in the form in which it is kept. A shift belongs to its agent: where a source gives it to another one, it
// retracts it for the first.
func asState(s *schemas.Shift) schemas.AgentState {
	return schemas.AgentState{
		Source: s.Source, AgentID: s.AgentID, StateID: s.ShiftID, Revision: s.Revision, Retracted: s.Retracted,
		StartedAt: s.StartsAt, EndedAt: s.EndsAt, State: stateShift, Reason: s.Activity,
	}
}

// idField is the field that tells facts of one agent apart.
func idField(a *schemas.AgentState) string {
	if a.State == stateShift {
		return "shift_id"
	}
	return "state_id"
}

// maxPlannedMs is how far after its arrival a shift may end: unlike other facts it is known before it happens.
const maxPlannedMs = 2 * maxContactSpanMs

// checkShift rejects a shift whose times cannot be.
func checkShift(a *schemas.AgentState, arrived int64) Result {
	for _, i := range [...]struct {
		field string
		ms    int64
	}{{"starts_at", a.StartedAt}, {"ends_at", a.EndedAt}} {
		switch {
		case i.ms == schemas.Null:
			return rejected(ReasonNoTime, i.field, 0)
		case i.ms < earliest:
			return rejected(ReasonAncient, i.field, i.ms)
		case arrived != 0 && i.ms > arrived+maxPlannedMs:
			return Result{Outcome: Rejected, Reason: ReasonFuture, field: i.field, other: "two years", a: i.ms, b: arrived}
		}
	}
	switch length := a.EndedAt - a.StartedAt; {
	case length < 0:
		return Result{Outcome: Rejected, Reason: ReasonBackwards, field: "ends_at", other: "starts_at", a: a.EndedAt, b: a.StartedAt}
	case length > maxContactSpanMs:
		return Result{Outcome: Rejected, Reason: ReasonTooLong, field: "the shift", a: length, b: maxContactSpanMs}
	}
	return Result{}
}

// placeShift puts a shift into the timeline of its agent.
func (f *agentFold) placeShift(n uint32, s *agentState, t *timeline) {
	t.shifts = slices.Insert(t.shifts, f.position(t.shifts, s), n)
	t.longestShift = max(t.longestShift, s.ended-s.started)
	f.soil(s.agent, t, stretch{s.started, s.ended})
}

// collectShifts finds the shifts of a stretch, in order of time.
func (f *agentFold) collectShifts(t *timeline, s stretch) {
	w := &f.sweeping
	w.shifts = w.shifts[:0]
	reach := s.from - t.longestShift
	at := sort.Search(len(t.shifts), func(i int) bool { return f.states.at(t.shifts[i]).started >= reach })
	for ; at < len(t.shifts); at++ {
		a := f.states.at(t.shifts[at])
		if a.started >= s.to {
			break
		}
		if h := (holding{stretch{max(a.started, s.from), min(a.ended, s.to)}, t.shifts[at], a.state}); h.from < h.to {
			w.shifts = append(w.shifts, h)
		}
	}
}

// schedule fills what a row says of shifts; it stays null in intervals without one. Of shifts that overlap, the one that begins
// last says what is to be done: a break within a shift is one of these.
func (f *agentFold) schedule(start, end int64, out *schemas.AgentInterval) {
	w := &f.sweeping
	if len(w.at) == 0 {
		return
	}
	out.ScheduledMs, out.AdherentMs = 0, 0
	out.Facts += int64(len(w.at))
	w.edges = w.edges[:0]
	for _, list := range [][]holding{w.at, w.active} {
		for _, h := range list {
			w.edges = append(w.edges, max(h.from, start), min(h.to, end))
		}
	}
	slices.Sort(w.edges)
	for i := 1; i < len(w.edges); i++ {
		from, to := w.edges[i-1], w.edges[i]
		shift, planned := w.planned(from)
		if from == to || !planned {
			continue
		}
		out.ScheduledMs += to - from
		if h, ok := w.winner(from); ok && fits(h.state, f.words.texts[f.states.at(shift.n).reason]) {
			out.AdherentMs += to - from
		}
	}
}

// planned is the shift that says what is to be done at an instant.
func (w *sweeping) planned(at int64) (last holding, found bool) {
	for _, h := range w.at {
		if h.from <= at && at < h.to {
			last, found = h, true
		}
	}
	return last, found
}

// fits says whether a state is what an activity asks for. Work, which is the empty activity, is done by who is available, on a
// contact or in wrap-up; every other activity, such as a break or a training, by who is not ready, for whatever reason.
func fits(state schemas.State, activity string) bool {
	if activity == "" {
		return state == schemas.StateAvailable || state == schemas.StateOnContact || state == schemas.StateWrap
	}
	return state == schemas.StateNotReady
}
