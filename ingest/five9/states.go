package five9

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// The columns of the report of agent states.
const (
	stateAgent = iota
	stateStamp
	stateDate
	stateTime
	stateAgentName
	stateState
	stateReason
	stateLength
)

var stateColumns = []column{
	stateAgent:     {"agent", []string{"AGENT", "USER"}, true},
	stateStamp:     {"timestamp", []string{"TIMESTAMP"}, false},
	stateDate:      {"date", []string{"DATE"}, false},
	stateTime:      {"time", []string{"TIME"}, false},
	stateAgentName: {"agent_name", []string{"AGENT NAME"}, false},
	stateState:     {"state", []string{"STATE"}, true},
	stateReason:    {"reason", []string{"REASON CODE"}, true},
	stateLength:    {"state_time", []string{"AGENT STATE TIME"}, true},
}

// change is one row of the report: an agent entered a state.
type change struct {
	agent, name, state, reason string
	at, length                 int64
	row                        int32
	of                         *stateOf
}

// stateMapper turns rows of the report of agent states into facts. A state holds until the agent's next one, so that the length
// that the report gives is no part of the fact: of the state that is still open it is only how long it has lasted so far, and a fact
// that ended there would be wrong as soon as it is written. The length orders the states of one second. The rows of a report
// are at most 50,000, and are held in memory, in a compact form, until the last has been read: their order is not known to be that of
// time. Not safe for concurrent use.
type stateMapper struct {
	table
	o        *StateOptions
	zone     *zone
	window   window
	unknown  *noticed
	words    map[string]string // one copy of each text
	of       map[string]*stateOf
	changes  []change
	ledger   *ledger
	page     *page
	fact     schemas.AgentState
	override *overrides
	rows     [][]string // whole rows, where expressions want them
}

func (m *stateMapper) header(cells []string) error {
	if err := m.table.read(cells, stateColumns, m.o.Columns, m.o.Report); err != nil {
		return err
	}
	if err := m.timed(stateStamp, stateDate, stateTime, m.o.Report, stateColumns[stateStamp].names); err != nil {
		return err
	}
	m.words, m.of = map[string]string{}, map[string]*stateOf{}
	var err error
	m.override, err = newOverrides(&m.fact, m.o.Fields, m.table.header, m.zone.location)
	return err
}

// word keeps one copy of a text, rather than the row that it is part of.
func (m *stateMapper) word(s string) string {
	if w, ok := m.words[s]; ok {
		return w
	}
	w := string([]byte(s))
	m.words[w] = w
	return w
}

func (m *stateMapper) row(_ context.Context, _ *flow.Read, cells []string) error {
	agent := m.name(cells, stateAgent)
	if agent == "" {
		return bad("no_identity", "column %q is empty: the row cannot be told from others", m.table.header[m.at[stateAgent]])
	}
	civil, wrong := m.when(cells, stateStamp, stateDate, stateTime)
	if wrong != nil {
		return wrong
	}
	length, wrong := m.length(cells, stateLength)
	if wrong != nil {
		return wrong
	}
	state := m.word(m.cell(cells, stateState))
	if state == "" {
		return bad("no_state", "column %q is empty", m.table.header[m.at[stateState]])
	}
	of := m.of[state]
	if of == nil { // looked up once for each
		found := stateIn(m.o.states, state)
		if of = &found; !of.known {
			m.unknown.see(state)
		}
		m.of[state] = of
	}
	c := change{
		agent: m.word(agent), name: m.word(m.name(cells, stateAgentName)), state: state, reason: m.word(m.name(cells, stateReason)),
		at: m.zone.within(civil, m.window.from, m.window.to), length: length, row: int32(len(m.changes)), of: of,
	}
	if m.page.seen != nil {
		x := sighting{c.agent, c.state, c.reason, civil}
		if m.page.later.holds(x) {
			return nil
		}
		m.page.seen[x]++
	}
	m.changes = append(m.changes, c)
	if len(m.override.fields) > 0 {
		m.rows = append(m.rows, slices.Clone(cells))
	}
	return nil
}

// stateIn looks a state up. One that is not known is not ready, with the state as the reason.
func stateIn(states map[string]stateOf, word string) stateOf {
	folded := fold(word)
	of, ok := states[folded]
	if !ok {
		of.state = schemas.StateNotReady
	}
	switch folded {
	case "login":
		of.rank = -1
	case "logout", "logged out":
		of.rank = 1
	}
	return of
}

// reasonOf is the fact's reason.
func reasonOf(of stateOf, word, reason string) string {
	if !of.known && reason == "" {
		return word
	}
	if of.state == schemas.StateNotReady || of.state == schemas.StateLoggedOut {
		return reason
	}
	return ""
}

// finish hands the states over, each agent's in the order of time.
func (m *stateMapper) finish(ctx context.Context, r *flow.Read) error {
	slices.SortFunc(m.changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.agent, b.agent), cmp.Compare(a.at, b.at), inSecond(a, b))
	})
	m.dropTwins()
	for i := 0; i < len(m.changes); {
		end := i + 1
		for end < len(m.changes) && m.changes[end].agent == m.changes[i].agent && m.changes[end].at == m.changes[i].at {
			end++
		}
		next := int64(schemas.Null)
		if end < len(m.changes) && m.changes[end].agent == m.changes[i].agent {
			next = m.changes[end].at
		}
		for k := i; k < end; k++ {
			if err := m.hand(ctx, r, &m.changes[k], end-1-k, next); err != nil {
				return err
			}
		}
		if next == schemas.Null {
			m.ledger.saw(m.changes[i].agent, m.changes[i].at)
			m.page.last[m.changes[i].agent] = max(m.page.last[m.changes[i].agent], m.changes[i].at)
		}
		i = end
	}
	return nil
}

// dropTwins drops rows that the report lists twice. Within one second an agent is not twice in the same state for the same reason.
func (m *stateMapper) dropTwins() {
	m.changes = slices.CompactFunc(m.changes, func(a, b change) bool {
		return a.agent == b.agent && a.at == b.at && a.state == b.state && a.reason == b.reason
	})
}

// inSecond orders states that one agent entered in the same second: a state that lasted a second or more is the last of them, since
// another followed the others within the second. Of those without length a login is first and a logout last; else the report's
// order is taken.
func inSecond(a, b change) int {
	return cmp.Or(cmp.Compare(a.length, b.length), cmp.Compare(a.of.rank, b.of.rank), cmp.Compare(a.row, b.row))
}

// hand hands over a state. before is how many states of the same second follow it: they are numbered from the last, which is the
// one that the statistics service knows. next is when the agent's next one begins, if it is in the result.
func (m *stateMapper) hand(ctx context.Context, r *flow.Read, c *change, before int, next int64) error {
	m.fact = schemas.AgentState{
		AgentID: c.agent, AgentName: c.name, StateID: stateID(c.at, before), StartedAt: c.at, EndedAt: schemas.Null, Sequence: -int64(before),
		State: c.of.state, Reason: reasonOf(*c.of, c.state, c.reason),
	}
	if m.rows != nil {
		if bad := m.override.run(m.rows[c.row]); bad != nil {
			return m.page.reject(ctx, m.rows[c.row], bad)
		}
	}
	if c.length >= longState.Milliseconds() {
		m.ledger.lasted(m.fact, next)
	}
	return r.AgentState(ctx, &m.fact)
}

// stateID names a state by the second in which it began, and its place before the last of that second.
func stateID(at int64, before int) string {
	id := strconv.FormatInt(at/1000, 10)
	if before > 0 {
		id += "-" + strconv.Itoa(before)
	}
	return id
}
