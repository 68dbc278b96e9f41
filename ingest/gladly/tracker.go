package gladly

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
)

// tracker derives the states of all agents from their events. Events may come in any order and any number of times, as long as each is
// recorded no more than lateness after it happened: then what has been handed over at the end is the same.
//
// It keeps the moments of the last lateness of each agent, and how the agent stood before: a stream of any length takes the
// same memory. An event that comes later than that gives its own state, and leaves those after it as they are.
type tracker struct {
	states   *States
	lateness int64 // milliseconds
	agents   map[string]*timeline
	words    map[string]string // reasons
	dirty    []string          // agents
	recorded int64             // the latest
	floor    int64             // moments before it are folded into the standings
	known    int64             // what an earlier run read was recorded up to here
	quiet    int64             // what was recorded up to here an earlier run has handed over for sure; Null once that is behind us
	doubt    bool              // an earlier run may have handed over more than it could note down
	scratch  []derived
	late     int64 // events that came later than lateness
	give     func(agent string, d derived) error
}

func newTracker(o *States, lateness int64) *tracker {
	return &tracker{states: o, lateness: lateness, agents: map[string]*timeline{}, words: map[string]string{}, recorded: schemas.Null, floor: schemas.Null, known: schemas.Null, quiet: schemas.Null}
}

// flushEvery is how many agents may wait for their states to be derived.
const flushEvery = 4096

// take takes an event in. Those that are not about how an agent stands change nothing. The problem is "" or what is wrong with it.
func (t *tracker) take(e *event) (problem string, err error) {
	c, ok := changes[string(e.kind)]
	if !ok {
		return "", t.advance(e.timestamp)
	}
	if len(e.agentID) == 0 {
		return `has no "agentId"`, nil
	}
	m := moment{at: e.at(), recorded: e.timestamp, change: c, available: e.available}
	switch c {
	case changeAway:
		m.reason = t.word(e.awayReason)
	case changeIn, changeActive, changeReturn:
		m.reason = t.word(e.activeReason)
	case changeAvailability:
		if e.available == availableUnknown {
			return `has no "availableFor"`, nil
		}
	}
	return "", t.add(e.agentID, m)
}

func (t *tracker) word(text []byte) string {
	if w, ok := t.words[string(text)]; ok {
		return w
	}
	w := string(text)
	if len(t.words) < 10_000 { // reasons are few, unless something is wrong
		t.words[w] = w
	}
	return w
}

func (t *tracker) add(agentID []byte, m moment) error {
	if err := t.wake(m.recorded); err != nil {
		return err
	}
	line := t.agents[string(agentID)]
	if m.at < t.floor && t.floor != schemas.Null {
		if m.recorded <= t.known {
			return nil // it is in the standing already
		}
		t.late++
		var alone timeline // what it says by itself
		alone.moments = append(alone.moments, m)
		_, err := alone.derive(t.states, nil, func(d derived) error { return t.give(string(agentID), d) })
		return err
	}
	if line == nil {
		line = &timeline{}
		t.agents[string(agentID)] = line
	}
	was := line.dirty
	fresh := line.add(m)
	if fresh && t.doubt && t.quiet == schemas.Null {
		line.unsure(m.at)
	}
	if fresh && !was {
		t.dirty = append(t.dirty, string(agentID))
		if len(t.dirty) >= flushEvery {
			if err := t.flush(); err != nil {
				return err
			}
		}
	}
	return t.advance(m.recorded)
}

// advance forgets what is older than lateness, now and then.
func (t *tracker) advance(recorded int64) error {
	if recorded <= t.recorded {
		return nil
	}
	t.recorded = recorded
	if t.floor == schemas.Null {
		t.floor = recorded - t.lateness
		return nil
	}
	if recorded-t.lateness-t.floor < max(t.lateness/16, 1) {
		return nil
	}
	return t.fold(recorded - t.lateness)
}

// fold forgets the moments before an instant.
func (t *tracker) fold(before int64) error {
	if err := t.flush(); err != nil {
		return err
	}
	t.floor = before
	for _, line := range t.agents {
		line.forget(before)
	}
	return nil
}

// wake ends the part of a stream that an earlier run has handed over.
func (t *tracker) wake(recorded int64) error {
	if t.quiet == schemas.Null || recorded <= t.quiet {
		return nil
	}
	err := t.flush()
	t.quiet = schemas.Null
	return err
}

// flush hands over what is new.
func (t *tracker) flush() error {
	slices.Sort(t.dirty)
	for _, id := range t.dirty {
		var err error
		t.scratch, err = t.agents[id].derive(t.states, t.scratch, func(d derived) error {
			if t.quiet != schemas.Null {
				return nil
			}
			return t.give(id, d)
		})
		if err != nil {
			return err
		}
	}
	t.dirty = t.dirty[:0]
	return nil
}

// saved is a tracker at rest, as the cursor keeps it: how every agent stood at the floor. Nobody is listed who stands as an unknown does.
type saved struct {
	Floor    int64                    `json:"floor"`    // milliseconds UTC
	Recorded int64                    `json:"recorded"` // milliseconds UTC
	Agents   map[string]savedStanding `json:"agents,omitempty"`
}

// savedStanding is in short words: it is written every minute.
type savedStanding struct {
	Is     string `json:"s"` // of i(n), o(ut), a(way), e(mpty availability), f(ull availability)
	Away   string `json:"w,omitempty"`
	Active string `json:"r,omitempty"`
}

func (s standing) save() savedStanding {
	var is []byte
	add := func(b byte, when bool) {
		if when {
			is = append(is, b)
		}
	}
	add('i', s.presence == presenceIn)
	add('o', s.presence == presenceOut)
	add('a', s.away)
	add('e', s.available == availableNone)
	add('f', s.available == availableSome)
	return savedStanding{string(is), s.awayReason, s.activeReason}
}

func (s savedStanding) standing() standing {
	is := func(b string) bool { return strings.Contains(s.Is, b) }
	out := standing{away: is("a"), idle: is("a") && s.Away == "", awayReason: s.Away, activeReason: s.Active}
	switch {
	case is("i"):
		out.presence = presenceIn
	case is("o"):
		out.presence = presenceOut
	}
	switch {
	case is("e"):
		out.available = availableNone
	case is("f"):
		out.available = availableSome
	}
	return out
}

// save folds what is older than lateness, and says how the agents stood then.
func (t *tracker) save() ([]byte, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	t.doubt = false
	if t.recorded == schemas.Null {
		return nil, nil
	}
	if err := t.fold(max(t.floor, t.recorded-t.lateness)); err != nil {
		return nil, err
	}
	s := saved{Floor: t.floor, Recorded: t.recorded, Agents: map[string]savedStanding{}}
	for id, line := range t.agents {
		switch {
		case line.before != standing{}:
			s.Agents[id] = line.before.save()
		case len(line.moments) == 0:
			delete(t.agents, id)
		}
	}
	return json.Marshal(s)
}

// errState is wrapped by errors about a stored state.
var errState = errors.New("the stored state cannot be read: say `quarterhour sources reset`")

// restore takes up a saved tracker. What was recorded since its floor is to be taken in again; of that, what was recorded overlap before
// the end was handed over, even if events show late.
func (t *tracker) restore(state []byte, overlap int64) error {
	if len(state) == 0 {
		return nil
	}
	var s saved
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("%w: %w", errState, err)
	}
	t.floor, t.known, t.quiet = s.Floor, s.Recorded, s.Recorded-overlap
	t.doubt = true
	for id, standing := range s.Agents {
		t.agents[id] = &timeline{before: standing.standing()}
	}
	return nil
}
