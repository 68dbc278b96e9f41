package five9

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// ledger remembers states that a report may leave out although they are: it says nothing, or not all, of a state that goes on over its
// window's end. Such states are those that the statistics service told of and the report has not come to, and long ones; shorter
// ones are covered by windows that overlap (see tail). Were they not handed over again with the report's rows, they would be
// taken for withdrawn. Safe for concurrent use by the flows of the report and of the statistics.
type ledger struct {
	mu       sync.Mutex
	told     map[string][]schemas.AgentState // by agent: what the report has not come to
	long     map[string][]schemas.AgentState // by agent: what lasted long, by the report
	until    map[begun]int64                 // where such a state ended, if that is known: where the agent's next one begins
	reported map[string]int64                // by agent: start of the last state in the report
}

// begun is a state of an agent.
type begun struct {
	agent string
	at    int64
}

const (
	// tail is how much of a window that ends in the past is read again with the next: a state that goes on over its end may be missing.
	tail = time.Hour
	// longState is how long a state lasts that is remembered.
	longState = 10 * time.Minute
	// keptFor is how far back.
	keptFor = 36 * time.Hour
)

func newLedger() *ledger {
	return &ledger{told: map[string][]schemas.AgentState{}, long: map[string][]schemas.AgentState{}, until: map[begun]int64{}, reported: map[string]int64{}}
}

// recall fills the ledger from the log after a restart: states that lasted long, and those after which none has come.
func (l *ledger) recall(ctx context.Context, d ingest.Deps, now time.Time) error {
	if d.Recall == nil {
		return nil
	}
	since := now.Add(-keptFor)
	newest := map[string]map[string]schemas.AgentState{}
	err := d.Recall(ctx, "agent_state", since, func(fact any) {
		a, ok := fact.(*schemas.AgentState)
		if !ok {
			return
		}
		by := newest[a.AgentID]
		if by == nil {
			by = map[string]schemas.AgentState{}
			newest[a.AgentID] = by
		}
		if old, ok := by[a.StateID]; ok && old.Revision > a.Revision {
			return
		}
		kept := *a
		by[a.StateID] = kept
	})
	if err != nil {
		return err
	}
	for _, by := range newest {
		var list []schemas.AgentState
		for _, a := range by {
			if !a.Retracted && a.StartedAt >= since.UnixMilli() {
				a.Revision, a.Tenant, a.Source = 0, "", ""
				list = append(list, a)
			}
		}
		slices.SortFunc(list, byStart)
		for i, a := range list {
			next := int64(schemas.Null)
			if i+1 < len(list) {
				next = list[i+1].StartedAt
			}
			if next == schemas.Null || next-a.StartedAt >= longState.Milliseconds() {
				l.lasted(a, next)
			}
		}
	}
	return nil
}

func byStart(a, b schemas.AgentState) int {
	if a.StartedAt != b.StartedAt {
		return int(max(-1, min(1, a.StartedAt-b.StartedAt)))
	}
	return int(a.Sequence - b.Sequence)
}

// status notes what the statistics service tells, and says whether it is news: not told before, and later than what the report tells
// of the agent.
func (l *ledger) status(fact schemas.AgentState) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.reported[fact.AgentID]; ok && fact.StartedAt <= at {
		return false
	}
	return put(l.told, fact)
}

// put keeps a fact in place of the one with its start; false where it was there.
func put(by map[string][]schemas.AgentState, fact schemas.AgentState) bool {
	list := by[fact.AgentID]
	if i := slices.IndexFunc(list, func(t schemas.AgentState) bool { return t.StartedAt == fact.StartedAt }); i >= 0 {
		if list[i] == fact {
			return false
		}
		list[i] = fact
		return true
	}
	by[fact.AgentID] = append(list, fact)
	return true
}

// lasted notes a long state of the report, and where the agent's next one begins; schemas.Null where that is not known.
func (l *ledger) lasted(fact schemas.AgentState, next int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	put(l.long, fact)
	if next == schemas.Null {
		delete(l.until, begun{fact.AgentID, fact.StartedAt})
		return
	}
	l.until[begun{fact.AgentID, fact.StartedAt}] = next
}

// saw notes the last state of an agent in a result: it speaks for all before.
func (l *ledger) saw(agent string, at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at > l.reported[agent] {
		l.reported[agent] = at
		l.told[agent] = slices.DeleteFunc(l.told[agent], func(t schemas.AgentState) bool { return t.StartedAt <= at })
	}
}

// confirm hands over again what a result left out, perhaps because it goes on over the end of the window: what begins after the last
// state of the agent in the result, and is not known to have ended before. The rest the vendor has withdrawn, as of an agent who was
// deleted.
func (l *ledger) confirm(ctx context.Context, r *flow.Read, last map[string]int64, now time.Time) error {
	var list []schemas.AgentState
	old, from, to := now.Add(-keptFor).UnixMilli(), r.From.UnixMilli(), r.To.UnixMilli()
	l.mu.Lock()
	maps.DeleteFunc(l.until, func(b begun, _ int64) bool { return b.at < old })
	for _, by := range [...]map[string][]schemas.AgentState{l.told, l.long} {
		for agent, facts := range by {
			facts = slices.DeleteFunc(facts, func(t schemas.AgentState) bool { return t.StartedAt < old })
			if by[agent] = facts; len(facts) == 0 {
				delete(by, agent)
			}
			for _, f := range facts {
				end, ended := l.until[begun{agent, f.StartedAt}]
				if at, ok := last[agent]; f.StartedAt >= from && f.StartedAt < to && (!ok || f.StartedAt > at) && (!ended || end > to) {
					list = append(list, f)
				}
			}
		}
	}
	l.mu.Unlock()
	for i := range list {
		if err := r.AgentState(ctx, &list[i]); err != nil {
			return err
		}
	}
	return nil
}
