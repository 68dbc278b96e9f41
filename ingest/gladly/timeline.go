package gladly

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/quarterhour/quarterhour/schemas"
)

// presence is whether an agent is logged in.
type presence uint8

const (
	presenceUnknown presence = iota
	presenceIn
	presenceOut
)

// standing is all that is known of an agent at an instant.
type standing struct {
	presence     presence
	away         bool
	idle         bool // away without a reason
	available    availability
	availableAt  int64 // when that was told; only compared within one instant
	awayReason   string
	activeReason string
}

// change is what an event does to a standing.
type change uint8

const (
	changeNone   change = iota // not about the standing: focus, and types that are new
	changeIn                   // AGENT_STATUS/LOGGED_IN
	changeReturn               // AGENT_STATUS/RETURNED_FROM_AWAY
	changeActive               // AGENT_STATUS/CHANGED_ACTIVE_REASON
	changeAvailability
	changeAway // AGENT_STATUS/WENT_AWAY
	changeOut  // AGENT_STATUS/LOGGED_OUT
)

var changes = map[string]change{
	"AGENT_STATUS/LOGGED_IN": changeIn, "AGENT_STATUS/RETURNED_FROM_AWAY": changeReturn, "AGENT_STATUS/CHANGED_ACTIVE_REASON": changeActive,
	"AGENT_AVAILABILITY/UPDATED": changeAvailability, "AGENT_STATUS/WENT_AWAY": changeAway, "AGENT_STATUS/LOGGED_OUT": changeOut,
}

// moment is an event of an agent, as far as it matters. The order of moments is total and does not depend on how they came: by when
// they happened, when they were recorded, what they do (in the same instant a login comes first and a logout last), and content.
type moment struct {
	at, recorded int64
	change       change
	available    availability
	reason       string
}

func (m *moment) compare(n *moment) int {
	return cmp.Or(cmp.Compare(m.at, n.at), cmp.Compare(m.recorded, n.recorded), cmp.Compare(m.change, n.change),
		cmp.Compare(m.available, n.available), cmp.Compare(m.reason, n.reason))
}

// after is the standing after the moment.
func (s standing) after(m *moment) standing {
	switch m.change {
	case changeIn:
		// What an agent was available for before logging in says nothing; that is told anew, in the same instant or later.
		if s.availableAt != m.at {
			s.available = availableUnknown
		}
		s = standing{presence: presenceIn, available: s.available, availableAt: s.availableAt, activeReason: m.reason}
	case changeOut:
		s = standing{presence: presenceOut} // an agent sent home by the idle timer was never said to return
	case changeAway:
		s.presence, s.away, s.awayReason, s.idle = presenceIn, true, m.reason, m.reason == ""
	case changeReturn:
		if s.presence != presenceOut { // else it belongs to what the logout has ended
			s.presence, s.away, s.awayReason, s.idle = presenceIn, false, "", false
		}
		if m.reason != "" {
			s.activeReason = m.reason
		}
	case changeActive:
		s.presence, s.activeReason = presenceIn, m.reason
	case changeAvailability:
		s.available, s.availableAt = m.available, m.at
		if s.presence != presenceOut { // it is also told on log-out
			s.presence = presenceIn
		}
	}
	return s
}

// state is what a standing counts as.
func (o *States) state(s standing) (schemas.State, string) {
	switch {
	case s.presence == presenceOut:
		return schemas.StateLoggedOut, ""
	case s.away && s.idle:
		return o.counted(o.Idle, schemas.StateNotReady), o.Idle
	case s.away:
		return o.counted(s.awayReason, schemas.StateNotReady), s.awayReason
	case s.available == availableNone:
		return o.counted(s.activeReason, stateNamed(o.Unavailable)), cmp.Or(s.activeReason, "unavailable")
	}
	return o.counted(s.activeReason, schemas.StateAvailable), s.activeReason
}

// counted is the state that the options say a reason is, or the usual one.
func (o *States) counted(reason string, usual schemas.State) schemas.State {
	if name, ok := o.Reasons[reason]; ok {
		return stateNamed(name)
	}
	return usual
}

func stateNamed(name string) schemas.State {
	for s := schemas.StateLoggedOut; s <= schemas.StateNotReady; s++ {
		if s.String() == name {
			return s
		}
	}
	return schemas.StateNotReady
}

// derived is one fact: the state of an agent from an instant on.
type derived struct {
	at     int64
	state  schemas.State
	reason string
}

// timeline is the recent past of one agent: where the agent stood before the moments that are kept, and the moments, in order.
type timeline struct {
	before  standing
	moments []moment
	given   []derived // handed over, of the moments that are kept
	dirty   bool
}

// add takes a moment in, whatever came before it, and reports whether it is new.
func (t *timeline) add(m moment) bool {
	at, found := slices.BinarySearchFunc(t.moments, m, func(a, b moment) int { return a.compare(&b) })
	if found {
		return false
	}
	t.moments = slices.Insert(t.moments, at, m)
	t.dirty = true
	return true
}

// derive calls give for every fact that differs from what was handed over before.
func (t *timeline) derive(o *States, scratch []derived, give func(derived) error) ([]derived, error) {
	scratch = scratch[:0]
	s := t.before
	for i := range t.moments {
		m := &t.moments[i]
		s = s.after(m)
		if i+1 < len(t.moments) && t.moments[i+1].at == m.at {
			continue // of one instant the last standing counts
		}
		state, reason := o.state(s)
		scratch = append(scratch, derived{m.at, state, reason})
	}
	t.dirty = false
	for _, d := range scratch {
		if at, found := slices.BinarySearchFunc(t.given, d, func(a, b derived) int { return cmp.Compare(a.at, b.at) }); found && t.given[at] == d {
			continue
		}
		if err := give(d); err != nil {
			return scratch, err
		}
	}
	t.given = append(t.given[:0], scratch...)
	return scratch, nil
}

// unsure has the facts from an instant on handed over again.
func (t *timeline) unsure(from int64) {
	at, _ := slices.BinarySearchFunc(t.given, from, func(d derived, at int64) int { return cmp.Compare(d.at, at) })
	t.given = t.given[:at]
}

// forget folds the moments before an instant into the standing. What they gave must have been derived.
func (t *timeline) forget(before int64) {
	n := 0
	for n < len(t.moments) && t.moments[n].at < before {
		t.before = t.before.after(&t.moments[n])
		n++
	}
	if n > 0 {
		t.moments = slices.Delete(t.moments, 0, n)
	}
	g := 0
	for g < len(t.given) && t.given[g].at < before {
		g++
	}
	t.given = slices.Delete(t.given, 0, g)
}

// stateID tells the states of one agent apart: by the instant alone, so that the events and the reports that stand in for them agree.
func stateID(at int64) string { return strconv.FormatInt(at, 10) }
