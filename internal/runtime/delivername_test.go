package runtime

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// statesSink delivers the newest state of each agent.
func statesSink(p *place) pipelines.Sink {
	kinds := []string{"agent_state"}
	s := deliveringSink("states", p, delivery.Options{When: "final"})
	s.Registration.Kinds = func(any) []string { return kinds }
	s.Registration.Deliver = func(context.Context, any, sinks.Deps) (sinks.Delivering, error) {
		name := func(i *delivery.Item) (string, int64) {
			return "newest/" + i.AgentState.AgentID, i.AgentState.StartedAt<<20 | i.Revision
		}
		return sinks.Delivering{
			Destination: p, Plan: delivery.Plan{Kinds: kinds, Items: 20, Concurrency: 1, Key: name}, Options: delivery.Options{When: "final", Attempts: 3},
		}, nil
	}
	return s
}

// One thing is kept of many facts: the books count things, and a dead letter finds the fact that it is about.
func TestBooksOfOneThingOfManyFacts(t *testing.T) {
	w, to := newWorld(t), newPlace()
	p := pipelineOf(t, history(15), newTableSink())
	p.Sinks = []pipelines.Sink{statesSink(to)}
	refused := ""
	to.refuse = func(i *delivery.Item) bool {
		if refused == "" {
			refused = i.Key
		}
		return i.Key == refused
	}
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	agents := len(to.held()) + 1
	var records, dead int64
	w.balances(t, p, func(d *DeliveryDay) bool { records, dead = records+d.Records, dead+d.Dead; return d.Pending == 0 })
	if records != int64(agents) || dead != 1 || agents < 3 {
		t.Errorf("%d records, %d dead, of %d agents", records, dead, agents)
	}
	morgue := &Morgue{Cluster: w.cluster, Registry: w.registry, Now: clock.Now}
	letters := w.letters(t, p)
	if len(letters) == 0 || slices.ContainsFunc(letters, func(d schemas.DeadLetter) bool { return !strings.HasPrefix(d.Location, "agent_state/") }) {
		t.Fatalf("letters %+v", letters)
	}
	sent := 0
	for _, d := range letters {
		if got, err := morgue.Redrive(t.Context(), &d); err != nil {
			t.Fatal(err)
		} else if got == RedriveSent {
			sent++
		}
	}
	to.refuse = nil
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	if len(to.held()) != agents || sent == 0 {
		t.Errorf("%d agents are held, of %d; %d letters sent again", len(to.held()), agents, sent)
	}
	w.balances(t, p, func(d *DeliveryDay) bool { return d.Delivered == d.Records })
	for _, problem := range to.problems {
		t.Error(problem)
	}
}
