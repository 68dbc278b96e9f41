package delivery_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// states delivers agents' states to a destination that keeps the newest of each agent: the one that began last, and of its corrections
// the last of the log.
func states(t *testing.T, p *place, l *ledger, items ...delivery.Item) {
	t.Helper()
	e := delivery.New(p, delivery.Plan{Kinds: []string{"agent_state"}, Items: 5, Concurrency: 1, Key: func(i *delivery.Item) (string, int64) {
		return "agent/" + i.AgentState.AgentID, i.AgentState.StartedAt<<20 | i.Revision
	}}, delivery.Options{When: "final", Attempts: 3}, deps())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	lane := e.Lane(ctx, l, 0, l.settled())
	for n, i := range items {
		lane.Take(i, int64(n))
		lane.Passed(int64(n + 1))
	}
	lane.Caught()
	for ctx.Err() == nil && lane.Pending() > 0 {
		lane.Turn()
		_ = clock.Sleep(ctx, 100*time.Millisecond)
	}
	cancel()
	lane.Leave()
}

func state(agent string, startedAt, revision int64) delivery.Item {
	return delivery.Item{
		Key: strings.Join([]string{"agent_state", agent, string(rune('0' + startedAt))}, "/"), Revision: revision, Final: true,
		AgentState: &schemas.AgentState{AgentID: agent, StartedAt: startedAt},
	}
}

func TestOneThingOfManyFacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, l := newPlace(), &ledger{}
		states(t, p, l, state("ann", 1, 1), state("bob", 3, 2), state("ann", 2, 3), state("bob", 2, 4), state("ann", 2, 5), state("ann", 1, 6))
		p.expect(t, map[string]int64{"agent/ann": 2<<20 | 5, "agent/bob": 3<<20 | 2})
		if diff := cmp.Diff([]string{"agent/ann@2097157", "agent/bob@3145730"}, p.sent); diff != "" {
			t.Error(diff)
		}
		// A late one, and one that a person wants again, in another process.
		again := state("ann", 1, 7)
		again.Again = true
		states(t, p, l, state("bob", 1, 8), again)
		p.expect(t, map[string]int64{"agent/ann": 2<<20 | 5, "agent/bob": 3<<20 | 2})
	})
}

// A dead letter says what is in the log, so that it can be found there and sent again.
func TestLettersNameTheFact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, l := newPlace(), &ledger{}
		p.fault = func(_ int, items []delivery.Item) error {
			return &delivery.Refused{Items: []delivery.RefusedItem{{Index: 0, Reason: "unknown_agent"}}}
		}
		states(t, p, l, state("ann", 1, 17))
		if len(l.letters) != 1 || l.letters[0].Location != "agent_state/ann/1@17" {
			t.Errorf("letters %+v", l.letters)
		}
	})
}
